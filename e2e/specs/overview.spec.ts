// The first page: the judgement, what needs attention with its actions, snoozes, and the running table.
import type { Locator, Page } from '@playwright/test';
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('failed transfers are judged, listed, snoozed and retried from their group', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  await openSignedIn(page, '/');
  await expect(summary(page)).toHaveText('Everything runs as it should');
  await expect(page.locator('.judgement-detail')).toContainText('Checked: the heartbeats of 1 agent');
  await expect(page.getByText('Nothing needs attention.')).toBeVisible();
  await expectNothingFound(page);

  const transfers = [await fail(agent, 'orders.csv'), await fail(agent, 'stock.csv')];
  await expect(summary(page)).toHaveText('2 transfers failed');
  await expect(page).toHaveTitle('(1) Overview · MFTPlus');
  const item = items(page).filter({ hasText: 'ftp.example.com' });
  await expect(item).toHaveCount(1);
  await expect(item).toContainText('Warning');
  await expect(item).toContainText('quota exceeded');
  await expect(item.getByRole('link', { name: 'orders.csv' })).toHaveAttribute('href', `/transfers/${transfers[0]}`);
  await expect(item.locator('time')).toHaveText(/ago|just now/);
  await expectNothingFound(page);

  await test.step('the total leads to the transfers that it counts', async () => {
    // An older failure, which has been put right.
    const old = await fail(agent, 'old.csv');
    await agent.report(old, { status: 'running', bytesTransferred: 1 });
    await agent.report(old, { status: 'completed' });
    const total = page.locator('.total').filter({ hasText: 'Failures in 24 h' });
    await expect(total.locator('.total-value')).toHaveText('2');
    await total.getByRole('link', { name: 'Show failed transfers' }).click();
    await expect(page).toHaveURL('/transfers?status=failed&ended=24h');
    await expect(page.locator('.table-total')).toHaveText('2 transfers');
    await page.getByRole('button', { name: 'Remove the filter Ended: Last 24 hours' }).click();
    await expect(page).toHaveURL('/transfers?status=failed');
    await page.goto('/');
    await expectLive(page);
  });

  await test.step('by keyboard alone it is snoozed, for a reason and until a time', async () => {
    const open = item.getByRole('button', { name: 'Snooze' });
    await open.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Snooze' });
    await expect(dialog.getByLabel('Reason')).toBeFocused();
    await expectNothingFound(page);
    await page.keyboard.type('the partner is informed');
    await dialog.getByLabel('End').selectOption({ label: 'In 4 hours' });
    await dialog.getByLabel('Reason').press('Enter');
    await expect(page.getByText(/^Snoozed until /)).toBeVisible();
    await expect(item).toHaveCount(0);
    await expect(summary(page)).toHaveText('Everything runs as it should, apart from 1 snoozed');
    await expect(page).toHaveTitle('Overview · MFTPlus');
  });

  await test.step('the snooze lasts, says why, and is ended', async () => {
    await page.reload();
    await expectLive(page);
    await expect(items(page)).toHaveCount(0);
    await page.getByText('1 snoozed', { exact: true }).click();
    const snoozed = page.getByRole('list', { name: 'Snoozed' });
    await expect(snoozed).toContainText('the partner is informed');
    await expectNothingFound(page);
    await snoozed.getByRole('button', { name: 'End snooze' }).click();
    await expect(item).toHaveCount(1);
    await expect(summary(page)).toHaveText('2 transfers failed');
  });

  await item.getByRole('button', { name: 'Retry 2' }).click();
  await expect(page.getByText('2 queued again.')).toBeVisible();
  await expect(item).toHaveCount(0);
  await expect(summary(page)).toHaveText('Everything runs as it should');
  const headers = { authorization: `Bearer ${await server.token()}` };
  const query = '{ transfers(filter: { status: [QUEUED] }) { totalCount } }';
  expect((await server.ask(query, {}, headers)).transfers.totalCount).toBe(2);
});

test('agents that fall silent are judged until they are back, and a snooze can be undone', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const first = await SpokenAgent.register(server, code, 'edge-1');
  await SpokenAgent.register(server, code, 'edge-2');
  await openSignedIn(page, '/');
  await expect(summary(page)).toHaveText('Everything runs as it should');
  await server.moveClockTo(new Date(Date.now() + 180_000));
  await expect(summary(page)).toHaveText('2 agents silent', { timeout: 30_000 });
  const item = items(page).filter({ hasText: 'silent' });
  await expect(item.getByRole('link', { name: 'edge-1' })).toHaveAttribute('href', `/agents/${first.id}`);
  await first.say('POST', '/api/agents/heartbeat', { status: 'online', load: 0.1, memory: 100 });
  await expect(summary(page)).toHaveText('1 agent silent');

  await item.getByRole('button', { name: 'Snooze' }).click();
  const dialog = page.getByRole('dialog', { name: 'Snooze' });
  await dialog.getByLabel('Reason').fill('moves to another rack');
  await dialog.getByLabel('End').selectOption({ label: 'At another time' });
  await dialog.getByLabel(/^Date and time/).fill('2020-01-01T08:00');
  await dialog.getByRole('button', { name: 'Snooze' }).click();
  await expect(dialog.getByRole('alert')).toContainText('in the future');
  await dialog.getByLabel('End').selectOption({ label: 'Tomorrow at 08:00' });
  await dialog.getByRole('button', { name: 'Snooze' }).click();
  await expect(item).toHaveCount(0);
  await page.getByRole('region', { name: 'Notifications' }).getByRole('button', { name: 'Undo' }).click();
  await expect(item).toHaveCount(1);
});

test('a failing pipeline is paused where it is shown, and a customer sees no runs', async ({ page, server }) => {
  const { job, customer } = await seed(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: customer }, headers);
  await openSignedIn(page, '/');
  const item = items(page).filter({ hasText: 'Nightly orders' });
  await expect(item).toContainText('failed');
  await expect(item.getByRole('link', { name: /^Run of / })).toHaveAttribute('href', /\/pipelines\/.*\/runs\//);
  await expect(summary(page)).toContainText('1 pipeline failing');
  await item.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Paused Nightly orders.')).toBeVisible();
  await expect(item).toHaveCount(0);

  const next = page.getByRole('region', { name: 'Next runs' });
  await expect(next.getByRole('link', { name: 'Hourly orders' })).toHaveAttribute('href', `/jobs/${job}`);
  await expect(next.getByRole('listitem').filter({ hasText: 'Hourly orders' })).toContainText(/in \d+/);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, USER);
  await expectLive(page);
  await expect(summary(page)).toContainText('1 transfer failed');
  await expect(summary(page)).not.toContainText('pipeline');
  await expect(items(page).getByRole('button', { name: 'Retry 1' })).toBeVisible();
});

test('stalled transfers come first, a new one has a place in a full table, and rows in use stay', async ({
  page,
  server,
}) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfers: string[] = [];
  for (let number = 0; number < 50; number++) transfers.push(await run(agent, `file-${number}.csv`));
  await openSignedIn(page, '/');
  const rows = page.getByRole('table', { name: 'Running transfers' }).locator('tbody tr');
  await expect(rows).toHaveCount(50);
  await expect(rows.first()).toContainText('file-49.csv');

  await page.getByRole('columnheader', { name: 'Progress' }).hover();
  transfers.push(await run(agent, 'late.csv'));
  const waiting = page.getByRole('button', { name: '1 new' });
  await expect(waiting).toBeVisible();
  await expect(rows.first()).toContainText('file-49.csv');
  await page.getByRole('heading', { level: 1 }).hover();
  await expect(rows.first()).toContainText('late.csv');
  await expect(rows).toHaveCount(50);
  await expect(rows.filter({ hasText: 'file-0.csv' })).toHaveCount(0);
  await expect(page.getByRole('link', { name: '50 of 51 shown, all running' })).toBeVisible();

  await server.moveClockTo(new Date(Date.now() + 75_000));
  await expect(rows.first()).toContainText('Stalled', { timeout: 30_000 });
  for (const [number, transfer] of transfers.entries()) {
    if (number !== 3) await agent.report(transfer, { status: 'running', bytesTransferred: 2 });
  }
  await expect(rows.first()).toContainText('file-3.csv');
  await expect(rows.first()).toContainText('Stalled');
});

test('the run that comes next is shown, however many jobs are newer', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const headers = { authorization: `Bearer ${await server.token()}` };
  const what = { agentId: agent.id, sourcePath: '/out', destinationPath: '/in', protocol: 'local', direction: 'push' };
  const add = (name: string, schedule: string) =>
    server.send('POST', '/api/jobs', { name, schedule, ...what }, headers);
  await add('Every few hours', '0 */4 * * *');
  const late = `0 0 ${((new Date().getUTCDate() + 14) % 28) + 1} * *`;
  for (let number = 0; number < 101; number++) await add(`Monthly ${number}`, late);
  await openSignedIn(page, '/');
  const next = page.getByRole('region', { name: 'Next runs' }).getByRole('listitem');
  await expect(next).toHaveCount(6);
  await expect(next.first()).toContainText('Every few hours');
});

test('what needs attention and could not be loaded is said and asked for again', async ({ page }) => {
  await page.route('**/graphql', (route) =>
    route.request().postData()?.includes('attention') ? route.fulfill({ status: 500, body: '' }) : route.continue(),
  );
  await openSignedIn(page, '/');
  await expect(summary(page)).toHaveText('What needs attention could not be loaded');
  const card = page.getByRole('region', { name: 'Needs attention' });
  await expect(card.getByRole('alert')).toContainText('Loading failed');
  await expectNothingFound(page);
  await page.unrouteAll();
  await card.getByRole('button', { name: 'Try again' }).click();
  await expect(summary(page)).toHaveText('No agents yet');
});

/** The judgement. */
function summary(page: Page): Locator {
  return page.getByRole('status', { name: 'Summary' });
}

/** The rows of what needs attention. */
function items(page: Page): Locator {
  return page.getByRole('table', { name: 'Attention items' }).locator('tbody tr');
}

/** A transfer that has failed, since the quota of the partner is used up. */
async function fail(agent: SpokenAgent, file: string): Promise<string> {
  const transfer = await run(agent, file);
  await agent.report(transfer, { status: 'failed', errorCode: 'quotaExceeded', errorMessage: 'the quota is used up' });
  return transfer;
}

/** A transfer that runs. */
async function run(agent: SpokenAgent, file: string): Promise<string> {
  const transfer = await agent.create(file, 1000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 1 });
  return transfer;
}
