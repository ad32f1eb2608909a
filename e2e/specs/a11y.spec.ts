import type { Page } from '@playwright/test';
import { seed } from '../support/fleet';
import { ADMIN } from '../support/server';
import { expect, expectLive, expectNothingFound, openSignedIn, test } from '../support/test';
import { show, views } from '../support/views';

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ page, server }) => {
    const seeded = await seed(server);
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const view of views(seeded)) {
      await test.step(view.name, async () => {
        if (view.name === 'overview') await openSignedIn(page, '/');
        await show(page, view);
        await expectNothingFound(page);
      });
    }
    await test.step('a dialog', async () => {
      await page.goto('/customers');
      await page.getByRole('button', { name: 'New customer' }).click();
      await expect(page.getByRole('dialog', { name: 'New customer' })).toBeVisible();
      await expectNothingFound(page);
    });
  });
}

test('signing in, going somewhere and a dialog need no mouse', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByLabel('E-mail')).toBeFocused();
  await page.keyboard.type(ADMIN.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press('Enter');
  await expectLive(page);

  await page.reload();
  await expectLive(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await tabTo(page, 'link', 'Customers');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Customers' })).toBeFocused();

  await tabTo(page, 'button', 'New customer');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.getByRole('button', { name: 'New customer' })).toBeFocused();

  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused();
  await page.keyboard.type('Keyboard Ltd');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('link', { name: 'Keyboard Ltd' })).toBeVisible();
});

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, role: 'link' | 'button', name: string): Promise<void> {
  const wanted = page.getByRole(role, { name, exact: true });
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
  }
  await expect(wanted, 'reached within 40 presses of Tab').toBeFocused();
}
