// Charts: what happened over time, read with the pointer, with the keyboard, as a sentence and as a table.
import type { Locator, Page } from '@playwright/test';
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

test('the speed of a transfer is charted, and its timeline says who did what and why', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const earlier = await agent.create('orders.csv', 1000);
  await agent.report(earlier, { status: 'running', bytesTransferred: 10 });
  await agent.report(earlier, { status: 'completed', bytesTransferred: 1000 });
  const id = await agent.create('orders.csv', 64_000_000);
  let bytesTransferred = 1_000_000;
  await agent.report(id, { status: 'running', bytesTransferred, speed: 4_000_000 });
  await openSignedIn(page, `/transfers/${id}`);
  const card = page.getByRole('region', { name: 'Speed over time' });
  const plot = cursor(card, 'Speed');
  let ahead = 0;
  await expect(async () => {
    bytesTransferred += 500_000;
    await agent.report(id, { bytesTransferred, speed: 4_000_000 });
    // Samples are at least 10 seconds apart; the page asks for them as often.
    ahead += 11_000;
    await server.moveClockTo(new Date(Date.now() + ahead));
    await expect(plot).toHaveAttribute('aria-valuemax', /^[1-9]/, { timeout: 12_000 });
  }).toPass({ timeout: 60_000 });

  await plot.focus();
  await page.keyboard.press('Home');
  await expect(plot).toHaveAttribute('aria-valuenow', '0');
  await expect(plot).toHaveAttribute('aria-valuetext', /\d\d:\d\d:\d\d, Speed: 4\.00 MB\/s$/);
  await expect(card.locator('.chart-readout')).toContainText('4.00 MB/s');
  await page.keyboard.press('ArrowRight');
  await expect(plot).toHaveAttribute('aria-valuenow', '1');
  await page.keyboard.press('Escape');
  await expect(card.locator('.chart-readout')).toBeHidden();
  await card.getByRole('button', { name: 'Show as table' }).press('Enter');
  await expect(card.getByRole('row').nth(2)).toContainText('4.00 MB/s');
  await expectNothingFound(page);

  const timeline = page.getByRole('region', { name: 'Timeline' }).getByRole('listitem');
  await agent.report(id, { status: 'failed', errorMessage: 'ftp.example.com: connection reset by peer' });
  const failed = timeline.filter({ hasText: 'Transfer failed' });
  await expect(failed).toContainText('connection reset by peer');
  await expect(failed.getByRole('link', { name: 'edge-1' })).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
  await expect(timeline.filter({ hasText: 'Transfer queued again' })).toContainText('by admin@localhost');
  await expect(timeline.last()).toHaveText('Waiting for its agent');

  const before = page.getByRole('table', { name: 'The same file before' });
  await expect(before.getByRole('link')).toHaveAttribute('href', `/transfers/${earlier}`);
  await expect(before.getByRole('row')).toHaveCount(2);
});

test('a transfer of a run names the way to it', async ({ page, server }) => {
  const { job, openRun } = await seed(server);
  await openSignedIn(page, `/jobs/${job}/runs/${openRun}`);
  await page.getByRole('link', { name: 'orders.csv' }).click();
  const way = page.getByRole('navigation', { name: 'Breadcrumb' });
  await expect(way.getByRole('link')).toHaveText(['Hourly orders', 'Run']);
  await way.getByRole('link', { name: 'Run' }).click();
  await expect(page).toHaveURL(`/jobs/${job}/runs/${openRun}`);
});

test('an agent has a strip of its heartbeats, and says why it is in error', async ({ page, server }) => {
  const { job, agent: seeded } = await seed(server);
  const { code } = await addCustomer(server, 'Globex');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const heartbeat = { status: 'error', statusReason: 'cannot write /var/lib', load: 1.5 };
  await agent.say('POST', '/api/agents/heartbeat', heartbeat);
  await openSignedIn(page, `/agents/${agent.id}`);
  await expect(page.getByRole('alert')).toHaveText('The agent reports an error: cannot write /var/lib');
  const card = page.getByRole('region', { name: 'Last 24 hours' });
  // More than once only if a quarter of an hour begins meanwhile.
  await expect(async () => {
    await agent.say('POST', '/api/agents/heartbeat', heartbeat);
    await page.reload();
    const last = expect(cursor(card, 'Heartbeats'), 'the last quarter of an hour');
    await last.toHaveAttribute('aria-valuetext', /Heartbeats arrived$/, { timeout: 5_000 });
    await expect(cursor(card, 'Load')).toHaveAttribute('aria-valuemax', '287', { timeout: 1_000 });
  }).toPass({ timeout: 30_000 });

  const strip = cursor(card, 'Heartbeats');
  await expect(strip).toHaveAttribute('aria-valuenow', '95');
  await strip.focus();
  await page.keyboard.press('Home');
  await expect(strip).toHaveAttribute('aria-valuetext', /Nothing is known$/);
  const figure = card.locator('figure', { has: cursor(page, 'Heartbeats') });
  await expect(figure.locator('.chart-readout')).toContainText('Nothing is known');
  await expect(card).toContainText(/Load average: \d\.\d\d/);
  await expect(page.getByRole('region', { name: 'Recent events' })).toContainText('Agent in error');
  await expectNothingFound(page);

  await page.goto(`/agents/${seeded}`);
  await expect(page.locator('.fact', { hasText: 'Client certificate' })).toContainText('None');
  const jobs = page.getByRole('region', { name: 'Jobs' });
  await expect(jobs.getByRole('link', { name: 'Hourly orders' })).toHaveAttribute('href', `/jobs/${job}`);
  await expect(jobs.getByRole('row').filter({ hasText: 'Weekly archive' })).toContainText('Paused');
  await page.getByRole('button', { name: 'Request key rotation' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Request key rotation' }).click();
  const waiting = page.getByRole('region', { name: 'Waiting for the agent' });
  await expect(waiting).toContainText('Replace its key', { timeout: 20_000 });
});

test('a job charts its last runs beside what is usual, and marks those that failed', async ({ page, server }) => {
  const { job } = await seed(server);
  await openSignedIn(page, `/jobs/${job}`);
  const card = page.getByRole('region', { name: 'Durations and bytes' });
  await expect(card).toContainText('Marked: Failed.');
  await expect(card).toContainText('Usually 48.0 MB.');
  const plot = cursor(card, 'Bytes');
  await plot.focus();
  await page.keyboard.press('Home');
  await expect(plot).toHaveAttribute('aria-valuetext', /Copied: 48\.0 MB$/);
  for (let presses = 0; presses < 5; presses++) await page.keyboard.press('ArrowRight');
  await expect(plot).toHaveAttribute('aria-valuetext', /Copied: no data, Failed$/);
  await card.getByRole('button', { name: 'Show as table' }).first().click();
  await expect(card.getByRole('row')).toHaveCount(9);
  await expectNothingFound(page);
});

test('a customer has its throughput and its outcomes, in a piece that comes when it is wanted', async ({
  page,
  server,
}) => {
  await seed(server);
  // The next round of the collector, at once.
  await server.moveClockTo(new Date(Date.now() + 11_000));
  await openSignedIn(page, '/customers');
  const comes = page.waitForResponse(/\/charts-[0-9a-f]{16}\.wasm$/);
  await page.getByRole('link', { name: 'Acme Logistics' }).click();
  await comes;
  const card = page.getByRole('region', { name: 'Throughput and outcomes' });
  const windows = card.getByRole('group', { name: 'Time range' });
  await expect(windows.getByRole('button')).toHaveText(['1 h', '24 h', '7 d', '30 d']);
  await expect(windows.getByRole('button', { name: '24 h' })).toHaveAttribute('aria-pressed', 'true');
  await expect(async () => {
    await page.reload();
    // In one hour, unless the next one has begun meanwhile.
    const counted = /Completed: (0 to )?1[ ,].*Failed attempts: (0 to )?1[ ,]/;
    await expect(card.getByRole('figure', { name: 'Outcomes' })).toContainText(counted, { timeout: 5_000 });
  }, 'what has ended is counted').toPass({ timeout: 60_000 });
  await windows.getByRole('button', { name: '1 h' }).press('Enter');
  await expect(cursor(card, 'Outcomes')).toHaveAttribute('aria-valuemax', '59');
  await windows.getByRole('button', { name: '7 d' }).press('Enter');
  await expect(cursor(card, 'Throughput')).toHaveAttribute('aria-valuemax', '167');
  await windows.getByRole('button', { name: '30 d' }).press('Enter');
  await expect(cursor(card, 'Throughput')).toHaveAttribute('aria-valuemax', '29');
  await expectNothingFound(page);
});

test('a customer has its usage of each month, which its users see too', async ({ page, server }) => {
  const { customer } = await seed(server);
  const idle = await addCustomer(server, 'Globex');
  const user = { email: 'ops@acme.example', password: 'acme has a long one' };
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...user, role: 'customer', customerId: customer }, headers);
  // The next round of the collector, at once.
  await server.moveClockTo(new Date(Date.now() + 11_000));
  await openSignedIn(page, `/customers/${idle.id}`);
  const card = page.getByRole('region', { name: 'Usage per month' });
  await expect(card).toContainText('No transfers in the last 12 months');
  await expectNothingFound(page);

  await page.goto(`/customers/${customer}`);
  const transfers = card.getByRole('figure', { name: 'Transfers' });
  // In one month, unless the next one has begun meanwhile.
  const counted = /Completed: (0 to )?1[ ,].*Failed attempts: (0 to )?1[ ,].*Marked: Month so far\.$/;
  await expect(async () => {
    await page.reload();
    await expect(transfers.locator('.chart-summary')).toHaveText(counted, { timeout: 5_000 });
  }, 'what has ended is counted').toPass({ timeout: 60_000 });
  const plot = cursor(card, 'Transfers');
  await expect(plot).toHaveAttribute('aria-valuemax', '11');
  await plot.focus();
  await page.keyboard.press('End');
  const month = /^[A-Z][a-z]{2} \d{4}, Completed: \d, Failed attempts: \d, Month so far$/;
  await expect(plot).toHaveAttribute('aria-valuetext', month);
  await page.keyboard.press('Home');
  await expect(plot).toHaveAttribute('aria-valuetext', /Completed: no data, Failed attempts: no data$/);
  await expect(card.getByRole('figure', { name: 'Bytes' })).toContainText(/Copied: .* [MG]B/);
  await transfers.getByRole('button', { name: 'Show as table' }).press('Enter');
  await expect(transfers.getByRole('row')).toHaveCount(13);
  await expect(transfers.getByRole('row').nth(1)).toContainText('Month so far');
  await expectNothingFound(page);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, user);
  await expectLive(page);
  await page.getByRole('link', { name: 'Enrolment codes' }).click();
  await expect(transfers.locator('.chart-summary')).toHaveText(counted);
});

/** The cursor of a chart or a strip. */
function cursor(within: Page | Locator, name: string): Locator {
  return within.getByRole('slider', { name: `${name}: point in time` });
}
