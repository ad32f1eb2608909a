// Going from page to page: back to where one was, addresses of nothing, and pages that do not jump.
import { seed } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('going back leads to where one was on the page', async ({ page, server }) => {
  await seed(server);
  await page.setViewportSize({ width: 1280, height: 420 });
  await openSignedIn(page, '/activity');
  const rows = page.getByRole('row');
  await expect(rows.nth(20)).toBeAttached();
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, 900);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(800);
  const link = rows.nth(18).getByRole('link').first();
  await link.scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => window.scrollY);
  expect(before).toBeGreaterThan(500);

  await link.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const there = await page.evaluate(() => window.scrollY);
  expect(there, 'another page begins at its top').toBe(0);
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toBeAttached();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(before);
  await page.waitForTimeout(1000);
  expect(await page.evaluate(() => window.scrollY), 'and stays there').toBe(before);
});
