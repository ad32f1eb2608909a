import { expect, expectLive, signIn, test } from '../support/test';

const FORM = { name: 'Sign in to MFTPlus' };

test('a wrong password is refused, the right one lets in, and signing out ends it', async ({ page }) => {
  await page.goto('/');
  await signIn(page, { email: 'admin@localhost', password: 'not the password' });
  await expect(page.getByRole('alert')).toContainText('E-mail or password is wrong');

  await signIn(page);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expectLive(page);

  // The token is gone with the page; the cookie that no script can read brings a new one.
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).toBe('');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', FORM)).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', FORM)).toBeVisible();
});

test('signing in leads to the page that was asked for', async ({ page }) => {
  await page.goto('/transfers?status=failed');
  await expect(page.getByRole('heading', FORM)).toBeVisible();
  await signIn(page);
  await expect(page).toHaveURL('/transfers?status=failed');
  await expect(page.getByRole('checkbox', { name: 'Failed' })).toBeChecked();
});

test('the page keeps to its security policy', async ({ page }) => {
  const violations: string[] = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy|Refused to/i.test(message.text())) violations.push(message.text());
  });
  const response = await page.goto('/');
  const policy = response!.headers()['content-security-policy'];
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  await signIn(page);
  await expectLive(page);
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Users' })).toBeVisible();
  expect(violations).toEqual([]);
});
