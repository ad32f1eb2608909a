// What people do without a mouse, and with the preferences that a browser keeps.
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
  await expect(page).toHaveTitle('Live · MFTPlus');
  await expect(icon).not.toHaveAttribute('href', /circle/);
  await agent.report(transfer, { status: 'running', bytesTransferred: 10 });
  await agent.report(transfer, { status: 'failed', errorMessage: 'quota exceeded' });
  await expect(page).toHaveTitle('(1) Live · MFTPlus');
  await expect(icon).toHaveAttribute('href', /circle.*%3E1%3C/);
  await page.getByRole('link', { name: 'Users' }).click();
  await expect(page).toHaveTitle('(1) Users · MFTPlus');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveTitle('Sign in · MFTPlus');
  await expect(icon).not.toHaveAttribute('href', /circle/);
});
