// What people do without a mouse, and with the preferences that a browser keeps.
import type { Locator, Page } from '@playwright/test';
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, test } from '../support/test';

test.use({ timezoneId: 'Africa/Johannesburg' });

test('a time shows both zones on focus and hover, and all times change to UTC', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  await openSignedIn(page, `/agents/${agent.id}`);
  const registered = page.locator('.fact', { hasText: 'Registered' }).locator('time');
  const at = new Date((await registered.getAttribute('datetime'))!);
  const clock = (hoursAhead: number) => new Date(at.getTime() + hoursAhead * 3_600_000).toISOString().slice(11, 19);
  await expect(registered).toContainText(clock(2));

  const tooltip = page.getByRole('tooltip');
  await expect(tooltip).toBeHidden();
  await registered.focus();
  await expect(tooltip).toContainText(`${clock(2)} Africa/Johannesburg`);
  await expect(tooltip).toContainText(`${clock(0)} UTC`);
  await expect(registered).toHaveAccessibleDescription(/UTC/);
  await expectNothingFound(page);
  await page.keyboard.press('Escape');
  await expect(tooltip).toBeHidden();
  await page.locator('.health time').hover();
  await expect(tooltip).toContainText('UTC');

  await page.getByRole('radio', { name: 'UTC' }).check();
  await expect(registered).toContainText(clock(0));
  await page.reload();
  await expectLive(page);
  await expect(page.getByRole('radio', { name: 'UTC' })).toBeChecked();
  await expect(registered).toContainText(clock(0));
});

test('an age in a table shows the exact time in both zones, on focus and hover', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfer = await agent.create('orders.csv', 1000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 10 });
  await openSignedIn(page, '/');
  const tooltip = page.getByRole('tooltip');
  const updated = page.getByRole('row', { name: /orders\.csv/ }).locator('time');
  await expect(updated).toHaveText(/^(just now|\d+ s ago)$/);
  await updated.focus();
  await expect(tooltip).toContainText('Africa/Johannesburg');
  await expect(tooltip).toContainText('UTC');
  await page.goto('/agents');
  const heartbeat = page.getByRole('row', { name: /edge-1/ }).locator('time');
  await heartbeat.hover();
  await expect(tooltip).toContainText('UTC');
  await expect(heartbeat).toHaveAttribute('datetime', /Z$/);
  await expectNothingFound(page);
});

test('the times of a table change to UTC at once', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  await agent.create('orders.csv', 1000);
  await openSignedIn(page, '/transfers');
  const created = page.getByRole('row', { name: /orders\.csv/ }).locator('[data-label=Created]');
  const local = await created.innerText();
  expect(local).toMatch(/\d\d:\d\d/);
  await page.getByRole('radio', { name: 'UTC' }).check();
  await expect(created).not.toHaveText(local);
  await page.getByRole('radio', { name: 'Local time' }).check();
  await expect(created).toHaveText(local);
});

test('pausing a job is undone from its notification', async ({ page, server }) => {
  const { job } = await seed(server);
  await openSignedIn(page, `/jobs/${job}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();
  const undo = page.getByRole('region', { name: 'Notifications' }).getByRole('button', { name: 'Undo' });
  await undo.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Undone.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect(page.getByRole('main')).toBeFocused();
});

test('the title and the icon of the tab say how much needs attention', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfer = await agent.create('orders.csv', 1000);
  await openSignedIn(page, '/');
  const icon = page.locator('link[rel=icon]');
  await expect(page).toHaveTitle('Overview · MFTPlus');
  await expect(icon).not.toHaveAttribute('href', /circle/);
  await agent.report(transfer, { status: 'running', bytesTransferred: 10 });
  await agent.report(transfer, { status: 'failed', errorMessage: 'quota exceeded' });
  await expect(page).toHaveTitle('(1) Overview · MFTPlus');
  await expect(icon).toHaveAttribute('href', /circle.*%3E1%3C/);
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page).toHaveTitle('(1) Users · MFTPlus');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveTitle('Sign in · MFTPlus');
  await expect(icon).not.toHaveAttribute('href', /circle/);
});

test('the palette finds pages, objects and actions, and returns the focus', async ({ page, server }) => {
  const seeded = await seed(server);
  await openSignedIn(page, '/');
  const opener = page.getByRole('button', { name: 'Search or go to' });
  const palette = page.getByRole('dialog', { name: 'Search pages, objects and actions' });
  const option = (name: RegExp) => palette.getByRole('option', { name });

  await opener.focus();
  await openPalette(page);
  await expect(option(/^Overview/)).toHaveAttribute('aria-selected', 'true');
  await expectNothingFound(page);
  await page.keyboard.press('Escape');
  await expect(palette).toBeHidden();
  await expect(opener).toBeFocused();

  await openPalette(page);
  await page.keyboard.type('backup');
  await expect(option(/^warehouse-full-backup\.dump/)).toBeVisible();
  await expectNothingFound(page);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`/transfers/${seeded.transfer}`);
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();

  for (const [typed, name, address] of [
    ['lyon', /^edge-lyon/, '/agents/'],
    ['nightly', /^Nightly orders/, `/pipelines/${seeded.pipeline}`],
    ['hourly', /^Hourly orders/, `/jobs/${seeded.job}`],
  ] as const) {
    await openPalette(page);
    await page.keyboard.type(typed);
    await option(name).click();
    await expect(page).toHaveURL(new RegExp(address));
  }

  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await openPalette(page);
  await page.keyboard.type('pause hourly');
  await expect(option(/^Pause Hourly orders/)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Paused Hourly orders.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();

  await openPalette(page);
  await page.keyboard.type('show times in utc');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('radio', { name: 'UTC' })).toBeChecked();

  await openPalette(page);
  await page.keyboard.type('no such thing');
  await expect(palette.getByRole('status')).toHaveText('Nothing matches');
  await expect(palette.getByRole('option')).toHaveCount(0);
});

test('the code of the palette is loaded when it is wanted, and its absence is said', async ({ page }) => {
  await page.route(/\/palette-.*\.wasm$/, (route) => route.abort());
  await openSignedIn(page, '/');
  await page.keyboard.press('Control+k');
  await expect(page.getByText('Part of the dashboard failed to load. Reload the page.')).toBeVisible();
  await page.unrouteAll();
  const comes = page.waitForResponse(/\/palette-[0-9a-f]{16}\.wasm$/);
  await page.reload();
  await expectLive(page);
  await page.keyboard.press('Control+k');
  await comes;
  await expect(page.getByRole('combobox', { name: 'Search pages, objects and actions' })).toBeFocused();
});

test('single keys go to pages and searches, but not while typing, and can be turned off', async ({ page }) => {
  await openSignedIn(page, '/');
  const heading = (name: string) => page.getByRole('heading', { level: 1, name });
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await expect(heading('Agents')).toBeFocused();

  await page.keyboard.press('/');
  const search = page.getByRole('searchbox');
  await expect(search).toBeFocused();
  await expect(search).toHaveValue('');
  await page.keyboard.type('g/?t');
  await expect(search).toHaveValue('g/?t');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(heading('Agents')).toBeVisible();
  await search.fill('');
  await heading('Agents').focus();

  await page.keyboard.press('?');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  const single = list.getByRole('checkbox', { name: /Single-key shortcuts/ });
  await expect(single).toBeFocused();
  await expect(list).toContainText('Go to Customers');
  await expectNothingFound(page);
  await page.keyboard.press('Space');
  await expect(single).not.toBeChecked();
  await page.keyboard.press('Escape');
  await expect(heading('Agents')).toBeFocused();
  await page.keyboard.press('?');
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeHidden();
  await expect(heading('Agents')).toBeVisible();
  await page.reload();
  await expectLive(page);
  await openPalette(page);
  await page.keyboard.type('turn single');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('u');
    await expect(heading('Users')).toBeVisible({ timeout: 2000 });
  }).toPass();
});

test('a page with unsaved changes asks before a key leaves it', async ({ page, server }) => {
  await seed(server);
  await openSignedIn(page, '/pipelines/new');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Half done');
  await heading(page).focus();
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await expect(page.getByRole('dialog', { name: 'Leave without saving?' })).toBeVisible();
  await expect(page).toHaveURL('/pipelines/new');
});

test('on a narrow screen Escape closes the menu and returns the focus to its button', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openSignedIn(page, '/');
  const menu = page.getByRole('button', { name: 'Menu', exact: true });
  const link = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Activity', exact: true });
  await menu.press('Enter');
  await expect(menu).toHaveAttribute('aria-expanded', 'true');
  await link.focus();
  await page.keyboard.press('Escape');
  await expect(menu).toBeFocused();
  await expect(menu).toHaveAttribute('aria-expanded', 'false');
  await expect(link).toBeHidden();
});

function heading(page: Page): Locator {
  return page.getByRole('heading', { level: 1 });
}

/** Opens the palette, whose code may have to be loaded first. What is typed before that is lost. */
async function openPalette(page: Page): Promise<void> {
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: 'Search pages, objects and actions' })).toBeFocused();
}
