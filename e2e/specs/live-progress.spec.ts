import { stat } from 'node:fs/promises';
import path from 'node:path';
import { addCustomer, Agent, SpokenAgent } from '../support/fleet';
import { ALONE, connection, expect, expectLive, openSignedIn, shownValues, test, watchBar } from '../support/test';

const SIZE = 240_000_000;
const RATE = 16_000_000;

test('a copy moves the bar to its end without a reload, though the server is killed meanwhile', ALONE, async ({
  page,
  server,
}, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await openSignedIn(page, '/');
  await expect(page.getByText('No transfers are running')).toBeVisible();

  const copy = await agent.copy('backup.dump', SIZE, RATE);
  const bar = page.getByRole('progressbar', { name: 'Progress of backup.dump' });
  await expect(bar).toBeVisible();
  await watchBar(bar);
  await expect.poll(async () => Math.max(...(await shownValues(page)))).toBeGreaterThan(25);

  await server.kill();
  await expect(connection(page)).toHaveText('Reconnecting');
  const before = await shownValues(page);
  await server.restart();
  await expectLive(page);

  await expect(bar).toHaveAttribute('aria-valuenow', '100', { timeout: 60_000 });
  expect(await copy.ended()).toBe(0);
  expect((await stat(path.join(server.folder, 'copied', 'backup.dump'))).size).toBe(SIZE);
  const values = await shownValues(page);
  await info.attach('values of the bar', { body: values.join(' '), contentType: 'text/plain' });
  expect(new Set(values).size).toBeGreaterThanOrEqual(5);
  expect(values.length).toBeGreaterThan(before.length);
  expect(values).toEqual([...values].sort((a, b) => a - b));
  await expect(page.getByRole('row', { name: /backup\.dump/ })).toContainText('Completed');
});

test('a transfer that was quiet before the page opened shows the age of its last update', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const id = await agent.create('quiet.dump', 1_000_000);
  await agent.report(id, { status: 'running', bytesTransferred: 1000 });
  await openSignedIn(page, '/');
  const lastUpdate = page.getByRole('row', { name: /quiet\.dump/ }).getByRole('cell').last();
  await expect(lastUpdate).toHaveText(/^(just now|\d+ s ago)$/);
  await expect(lastUpdate).toHaveText(/^\d+ s ago$/);
});

test('the foot of the page says how long progress takes until it is painted', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const id = await agent.create('moving.dump', 1_000_000_000);
  await agent.report(id, { status: 'running', bytesTransferred: 1000 });
  // It is asked for some seconds after the page is there, which may take its time beside another test.
  const comes = page.waitForResponse(/\/paint-[0-9a-f]{16}\.wasm$/, { timeout: 60_000 });
  await openSignedIn(page, '/');
  await comes;
  const foot = page.getByText(/^Commit to paint: \d+ ms \(p50\), \d+ ms \(p99\), last \d+ updates?\./);
  let bytes = 1000;
  await expect(async () => {
    bytes += 1000;
    await agent.report(id, { status: 'running', bytesTransferred: bytes });
    await expect(foot).toBeVisible({ timeout: 1500 });
  }).toPass({ timeout: 30_000 });
  await expect(foot).toContainText(/Clock of this machine: (like|about \d+ ms (ahead of|behind)) the server's\.$/);
  const [slow] = /\d+(?= ms \(p99\))/.exec((await foot.textContent())!)!;
  expect(Number(slow), 'plausible').toBeLessThan(5000);
});

test('the totals and the agents change with what agents report', async ({ page, server }, info) => {
  await openSignedIn(page, '/');
  const total = (name: string) => page.locator('dl > div').filter({ has: page.getByText(name, { exact: true }) });
  await expect(total('Agents online').getByRole('definition').first()).toHaveText('0');

  await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await expect(total('Agents online').getByRole('definition').first()).toHaveText('1');
  await expect(page.getByRole('region', { name: 'Agents' }).getByRole('link', { name: 'edge-1' })).toBeVisible();
});
