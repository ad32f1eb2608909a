// An answer is lost on its way: what was created is not created again when the user tries again.
import type { Page } from '@playwright/test';
import { expect, openSignedIn, test } from '../support/test';

test('creating again after a lost answer creates one object', async ({ page }) => {
  await openSignedIn(page, '/customers');
  const keys = await loseFirstAnswer(page, 'createCustomer');
  const open = page.getByRole('button', { name: 'New customer' });
  const dialog = page.getByRole('dialog');
  const create = dialog.getByRole('button', { name: 'Create customer' });
  await open.click();
  await dialog.getByLabel('Name').fill('Acme');
  await create.click();
  await expect(dialog.getByRole('alert')).toContainText('The server cannot be reached.');
  await create.click();
  await expect(page.getByText('Acme was created.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Acme' })).toHaveCount(1);

  // The next one is meant.
  await open.click();
  await dialog.getByLabel('Name').fill('Acme');
  await create.click();
  await expect(page.getByRole('link', { name: 'Acme' })).toHaveCount(2);
  expect(keys).toEqual([expect.stringMatching(/^\d+$/), keys[0], expect.stringMatching(/^\d+$/)]);
  expect(keys[2]).not.toBe(keys[0]);
});

/** Loses the first answer to a mutation. Returns the idempotency keys of its requests, which grow. */
async function loseFirstAnswer(page: Page, mutation: string): Promise<string[]> {
  const keys: string[] = [];
  await page.route('**/graphql', async (route) => {
    const request = route.request();
    if (!request.postData()?.includes(mutation)) return route.continue();
    keys.push((await request.headerValue('idempotency-key')) ?? '');
    if (keys.length > 1) return route.continue();
    await route.fetch();
    await route.abort();
  });
  return keys;
}
