// The dashboard comes in pieces: what a first visit loads, what comes later, and what is there when it does not come.
import type { Page } from '@playwright/test';
import { ADMIN } from '../support/server';
import { expect, expectLive, openSignedIn, test } from '../support/test';

const WHOLE = /\/frontend-[0-9a-f]{16}_bg\.wasm$/;
/** What the overview loads beside it: parts of its own, what several parts share, and the foot of the page. */
const OVERVIEW = /\/(overview|charts|paint|chunk-\d+)-[0-9a-f]{16}\.wasm$/;

test('signing in and Overview load no page but themselves, and the others come once, before they are asked for', async ({
  page,
}) => {
  const loaded: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.wasm')) loaded.push(request.url());
  });
  await page.goto('/');
  // Without the pointer, which would lie on a link of the page that follows.
  await page.getByLabel('E-mail').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.keyboard.press('Enter');
  await expectLive(page);
  await page.waitForLoadState('networkidle');
  expect(loaded.filter((url) => !WHOLE.test(url) && !OVERVIEW.test(url))).toEqual([]);
  expect(loaded.length, 'small chunks are merged').toBeLessThan(15);

  const comes = page.waitForResponse(/\/admin-[0-9a-f]{16}\.wasm$/);
  await page.getByRole('link', { name: 'Users' }).hover();
  const headers = (await comes).headers();
  expect(headers['content-type']).toBe('application/wasm');
  expect(headers['content-encoding']).toBe('br');
  expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');

  for (const name of ['Users', 'Customers', 'Transfers', 'Users', 'Transfers']) {
    await page.getByRole('link', { name, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  }
  const later = loaded.filter((url) => !WHOLE.test(url));
  expect(new Set(later).size).toBe(later.length);
});

test('pointing at a link on a page loads what is behind it, with the parts that it begins with', async ({ page }) => {
  await openSignedIn(page, '/pipelines');
  const pieces = ['editor', 'definition'].map((name) =>
    page.waitForResponse(new RegExp(`/${name}-[0-9a-f]{16}\\.wasm$`)),
  );
  await page.getByRole('link', { name: 'New pipeline' }).hover();
  await Promise.all(pieces);
  await page.getByRole('link', { name: 'New pipeline' }).click();
  await expect(page.getByRole('textbox', { name: 'Definition' })).toBeVisible();
});

test('the editor without its text area says so', async ({ page }) => {
  await page.route(/\/definition-.*\.wasm$/, (route) => route.abort());
  await openSignedIn(page, '/pipelines/new');
  const failure = page.getByRole('alert').filter({ hasText: 'Part of the dashboard failed to load' });
  await expect(failure).toBeVisible();
});

test('a skeleton is shown while a page loads, and the page takes the focus', async ({ page }) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/activity-.*\.wasm$/, async (route) => {
    await released;
    await route.continue();
  });
  await openSignedIn(page, '/');
  await page.getByRole('link', { name: 'Activity' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('.page-skeleton')).toBeVisible();
  await expect(page.locator('.skeleton-row')).toHaveCount(8);
  release();
  await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toBeFocused();
  await expect(page.locator('.page-skeleton')).toHaveCount(0);
});

test('a page of a server that has been replaced says so, and reloading brings the new one', async ({ page }) => {
  await openSignedIn(page, '/');
  await takeAway(page, 'transfers');
  await page.getByRole('link', { name: 'Transfers', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'This page could not be loaded' })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('updated since this tab was opened');
  await expectLive(page);
  await page.getByRole('link', { name: 'Overview', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();

  await page.getByRole('link', { name: 'Transfers', exact: true }).click();
  const reload = page.getByRole('button', { name: 'Reload' });
  await expect(reload).toBeVisible();
  await page.unrouteAll();
  await reload.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Transfers' })).toBeVisible();
});

test('a page that was opened without its piece says so as well', async ({ page }) => {
  await takeAway(page, 'activity');
  await openSignedIn(page, '/activity');
  await expect(page.getByRole('heading', { level: 1, name: 'This page could not be loaded' })).toBeVisible();
});

test('the overview without its later parts says so, and shows the rest', async ({ page }) => {
  await page.route(/\/overview-.*\.wasm$/, (route) => route.abort());
  await openSignedIn(page, '/');
  await expect(page.getByRole('status', { name: 'Summary' })).toHaveText('No agents yet');
  await expect(page.getByRole('alert').first()).toContainText('Part of the dashboard failed to load');
  await expect(page.getByText('Agents online')).toBeVisible();
});

/** Asks for another piece than the server has, as a page of an older one does. */
async function takeAway(page: Page, piece: string): Promise<void> {
  await page.route(new RegExp(`/${piece}-[0-9a-f]{16}\\.wasm$`), async (route) => {
    const url = route.request().url().replace(/-[0-9a-f]{16}\.wasm$/, '-0123456789abcdef.wasm');
    await route.continue({ url });
  });
}
