// What is on the page while the server is there, while it is away, and how often the page asks.
import type { Page } from '@playwright/test';
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { Server } from '../support/server';
import {
  ALONE,
  connection,
  expect,
  expectLive,
  expectNothingFound,
  openSignedIn,
  settling,
  signIn,
  test,
} from '../support/test';

test('a page that gets no data says since when, draws no samples, and is back after the longest delay', ALONE, async ({
  page,
  server,
}) => {
  await seed(server);
  await page.clock.install();
  await openSignedIn(page, '/');
  const note = page.getByRole('status', { name: 'Data' });
  const throughput = page.locator('.total').filter({ hasText: 'Throughput' });
  const line = throughput.locator('.sparkline-line');
  await expect(throughput).toContainText('/s');
  await expect(line).toHaveAttribute('d', /L/);
  await expect(note).toBeHidden();
  await expect(page.getByRole('status', { name: 'Summary' })).toContainText('1 transfer failed');
  const colour = () => throughput.locator('.total-value').evaluate((element) => getComputedStyle(element).color);
  const live = await colour();

  await server.kill();
  await expect(note).toHaveText(/^No data since \d\d:\d\d:\d\d$/);
  expect(await colour()).not.toBe(live);
  await expect(page.getByRole('status', { name: 'Summary' })).toHaveText(/^Last known: /);
  await expect(page.locator('.progress-bar').first()).toHaveCSS('opacity', '0.5');
  await expectNothingFound(page);
  const samples = async () => ((await line.getAttribute('d')) ?? '').split(/[ML]/).length;
  const before = await samples();
  await page.clock.runFor(4000);
  expect(await samples(), 'no sample is drawn that was not measured').toBeLessThanOrEqual(before);

  // The delays between attempts to connect grow to three seconds.
  for (let attempt = 0; attempt < 6; attempt++) {
    const failed = page.waitForEvent('console', (message) => message.text().includes('WebSocket connection to'));
    await page.clock.runFor(3000);
    await failed;
  }
  await server.restart();
  await page.clock.runFor(3000);
  await expect(connection(page)).toHaveText('Live');
  await expect(note).toBeHidden();
  expect(await colour()).toBe(live);
  await expect.poll(async () => ((await line.getAttribute('d')) ?? '').split('M').length).toBe(3);
});

test('each query of a page is sent once', ALONE, async ({ page, server }) => {
  await seed(server);
  await page.clock.install();
  const [sent, settle] = [queries(page), settling(page)];
  const expectOnce = async (where: string) => {
    await expectLive(page);
    await expect.poll(() => sent.length, where).toBeGreaterThan(0);
    await settle();
    // Whatever would be asked again for a gap, or for a change before the subscription, is asked within this time.
    await page.clock.runFor(3000);
    await settle();
    const twice = sent.filter((body, index) => sent.indexOf(body) !== index);
    expect(twice, where).toEqual([]);
  };
  await page.goto('/');
  await signIn(page);
  await expectOnce('Overview');

  await test.step('pages that are opened while the connection is open', async () => {
    for (const [list, object] of [
      ['Transfers', 'warehouse-full-backup.dump'],
      ['Jobs', 'Hourly orders'],
      ['Pipelines', 'Nightly orders'],
      ['Agents', 'edge-berlin'],
      ['Activity', ''],
      ['Customers', 'Acme Logistics'],
    ]) {
      sent.length = 0;
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: list }).click();
      await expectOnce(list);
      if (!object) continue;
      sent.length = 0;
      await page.getByRole('main').getByRole('link', { name: object }).first().click();
      await expect(page.getByRole('heading', { level: 1, name: object })).toBeVisible();
      await expectOnce(object);
    }
  });
});

test('a row that has changed between the query and the subscription is shown as it is', async ({ page, server }) => {
  const { transfer } = await seed(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  await openSignedIn(page, '/');
  // The subscription to the rows is held back until the transfer has ended.
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.routeWebSocket('**/graphql/ws', (socket) => {
    const upstream = socket.connectToServer();
    socket.onMessage(async (message) => {
      if (message.toString().includes('transferUpdated') && message.toString().includes(transfer)) await released;
      upstream.send(message);
    });
  });
  await page.goto('/transfers');
  await expectLive(page);
  const row = page.getByRole('row').filter({ hasText: 'tomorrow.csv' });
  await expect(row).toContainText('Queued');
  const { transfers } = await server.ask('{ transfers(filter: { status: [QUEUED] }) { nodes { id } } }', {}, headers);
  await server.ask(`mutation { cancelTransfer(id: "${transfers.nodes[0].id}") { id } }`, {}, headers);
  release();
  await expect(row).toContainText('Cancelled');
});

test('nothing is shown that is not known: no percentage without a size, no speed while stalled', async ({
  page,
}, info) => {
  const server = await Server.start(info.outputPath('stalled.log'), undefined, ['--stalled-after', '1s']);
  try {
    const { code } = await addCustomer(server, 'Acme Logistics');
    const agent = await SpokenAgent.register(server, code, 'edge-1');
    const place = { direction: 'pull', protocol: 'sftp' };
    const stream = { sourceUrl: 'sftp://ftp.example.com/out/stream.bin', destinationPath: '/in/stream.bin', ...place };
    const { transfer } = await agent.say('POST', '/api/transfers', stream);
    await agent.report(transfer.id, { status: 'running', bytesTransferred: 4_000_000, speed: 2_000_000 });
    const done = await agent.create('done.csv', 8_000_000);
    await agent.report(done, { status: 'running', bytesTransferred: 1_000_000, speed: 1_000_000 });
    await agent.report(done, { status: 'completed', bytesTransferred: 8_000_000 });

    await page.goto(`${server.url}/`);
    await signIn(page);
    const bar = page.getByRole('progressbar', { name: 'Progress of stream.bin' });
    const row = page.getByRole('row').filter({ has: bar });
    await expect(row).toContainText('4.00 MB');
    await expect(row).not.toContainText('0%');
    await expect(bar).not.toHaveAttribute('aria-valuenow');
    await expect(row).toContainText('Stalled', { timeout: 30_000 });
    await expect(row, 'the last speed is not the speed').not.toContainText('/s');

    await page.goto(`${server.url}/transfers/${done}`);
    const progress = page.getByRole('region', { name: 'Progress' });
    await expect(progress).toContainText('Average speed');
    await expect(progress.locator('dd').first()).toHaveText(/B\/s$/);
    await expectNothingFound(page);
  } finally {
    await server.stop();
  }
});

test('the first page says how many running transfers and agents it leaves out', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-0');
  for (let number = 1; number <= 30; number++) await SpokenAgent.register(server, code, `edge-${number}`);
  for (let number = 0; number < 51; number++) {
    const transfer = await agent.create(`file-${number}.csv`, 1000);
    await agent.report(transfer, { status: 'running', bytesTransferred: 1 });
  }
  await openSignedIn(page, '/');
  const running = page.getByRole('link', { name: '50 of 51 shown, all running' });
  await expect(running).toHaveAttribute('href', '/transfers?status=running');
  await expect(page.getByRole('link', { name: '30 of 31 shown, all agents' })).toBeVisible();
  const machines = page.getByRole('region', { name: 'Agents', exact: true }).getByRole('listitem');
  await expect(machines.first(), 'the newest').toContainText('edge-30');
  await agent.say('POST', '/api/agents/heartbeat', { status: 'error', statusReason: 'the disk is full' });
  await expect(machines.first(), 'one in trouble, though it is the oldest').toContainText('edge-0');
  await expect(machines).toHaveCount(30);
  await page.reload();
  await expect(machines.first()).toContainText('edge-0');
});

/** The GraphQL requests over HTTP from now on, without the history of slots, which is read again each half minute. */
function queries(page: Page): string[] {
  const sent: string[] = [];
  page.on('request', (request) => {
    const body = request.url().endsWith('/graphql') ? (request.postData() ?? '') : '';
    if (body && !/jobSlots|pipelineSlots/.test(body)) sent.push(body);
  });
  return sent;
}
