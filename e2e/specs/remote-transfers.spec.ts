// Files of partners, over SFTP and FTPS: jobs and pipelines that fetch and send them, made and watched in the browser.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Locator, Page } from '@playwright/test';
import { Agent } from '../support/fleet';
import { definition, line, step, steps } from '../support/pipelines';
import { FtpsServer, SftpServer } from '../support/remote-servers';
import type { Server } from '../support/server';
import { ALONE, expect, expectNothingFound, openSignedIn, shownValues, test as base, watchBar } from '../support/test';

const SIZE = 32_000_000;
// Slow enough that the bar has several values on the way.
const RATE = 4_000_000;

/** The server of a partner, who is called `partner` in the agent's configuration, and that of a warehouse. */
const test = base.extend<{ partner: SftpServer; warehouse: FtpsServer }>({
  partner: async ({}, use, info) => {
    const partner = await SftpServer.start(info.outputPath('sshd.log'));
    await use(partner);
    await partner.stop();
  },
  warehouse: async ({}, use, info) => {
    info.skip(userInfo().uid !== 0, 'vsftpd works for root only');
    const warehouse = await FtpsServer.start(info.outputPath('vsftpd.log'));
    await use(warehouse);
    await warehouse.stop();
  },
});

test('a job fetches a file by SFTP, and its bar is watched to the end', ALONE, async ({
  page,
  server,
  partner,
}, info) => {
  await writeFile(partner.path('orders.csv'), randomBytes(SIZE));
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await agent.configure(partner.config('partner'));
  const stays = await agent.stay(RATE);
  await openSignedIn(page, '/jobs/new');

  await test.step('made without a mouse', async () => {
    // By how the labels begin: hints are part of them.
    await expect(page.getByRole('textbox', { name: /^Source.*sftp:\/\/partner\// })).toBeVisible();
    await page.getByRole('textbox', { name: /^Name/ }).fill('Orders of the partner');
    await page.getByRole('combobox', { name: /^Agent/ }).selectOption({ label: 'edge-1 (Customer of edge-1)' });
    await page.getByRole('textbox', { name: /^Source/ }).fill(partner.path('orders.csv'));
    await page.getByRole('textbox', { name: /^Destination/ }).fill(`${server.folder}/in/`);
    await page.getByRole('combobox', { name: 'Protocol' }).selectOption('SFTP');
    await page.getByRole('combobox', { name: 'Direction' }).selectOption('Pull');
    // So that no slot comes due while the test runs.
    await page.getByRole('button', { name: 'First of the month' }).press('Enter');
    await page.getByRole('textbox', { name: /^Endpoint/ }).fill('partner');
    await expectNothingFound(page);
    await page.getByRole('textbox', { name: /^Endpoint/ }).press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Orders of the partner' })).toBeVisible();
    for (const text of ['SFTP pull', 'partner']) await expect(details(page)).toContainText(text);
  });

  const row = page.getByRole('row', { name: /orders\.csv/ });
  await test.step('run and watched', async () => {
    await page.getByRole('button', { name: 'Run now' }).press('Enter');
    const run = page.getByRole('region', { name: 'Runs' }).getByRole('row').nth(1);
    await expect(run).toContainText('Running');
    await run.getByRole('link').press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Run of Orders of the partner' })).toBeVisible();
    const bar = page.getByRole('progressbar', { name: 'Progress of orders.csv' });
    await watchBar(bar);
    await expect(row).toContainText('SFTP pull');
    await expect.poll(async () => Math.max(...(await shownValues(page)))).toBeGreaterThan(25);
    await expectNothingFound(page);
    await expect(row).toContainText('Completed', { timeout: 60_000 });
    await expect(bar, 'a transfer that has ended has no bar').toHaveCount(0);
    await expect(headerState(page)).toHaveText('Completed');
    await expect(details(page)).toContainText('32.0 MB');
    const values = await shownValues(page);
    await info.attach('values of the bar', { body: values.join(' '), contentType: 'text/plain' });
    expect(new Set(values).size, 'the bar moved').toBeGreaterThan(3);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  await test.step('the same bytes, by whose digest the transfer is known', async () => {
    const digest = await sha256(partner.path('orders.csv'));
    expect(await sha256(path.join(server.folder, 'in', 'orders.csv'))).toBe(digest);
    await row.getByRole('link', { name: 'orders.csv' }).press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'orders.csv' })).toBeVisible();
    await expect(details(page)).toContainText(digest);
  });
  await stays.end('SIGTERM');
});

test('a pipeline fetches a file by FTPS, unpacks it and sends it on by SFTP', ALONE, async ({
  page,
  server,
  warehouse,
  partner,
}, info) => {
  const original = path.join(server.folder, 'original.csv');
  const content = randomBytes(SIZE);
  await writeFile(original, content);
  await writeFile(warehouse.path('orders.csv.gz'), gzipSync(content, { level: 1 }));
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await agent.configure(warehouse.config('warehouse') + partner.config('partner'));
  const stays = await agent.stay(RATE);
  await openSignedIn(page, '/pipelines/new');

  await test.step('written in the editor', async () => {
    await page.getByRole('textbox', { name: 'Name' }).fill('Orders for the partner');
    await page.getByLabel('Identifier').fill('orders-for-the-partner');
    await page.getByLabel('Customer').selectOption({ label: 'Customer of edge-1' });
    await definition(page).fill(threeSteps(server, partner));
    await expect(page.getByRole('status').filter({ hasText: 'No problems' })).toBeVisible();
    await expect(steps(page)).toHaveCount(3);
    await expect(step(page, 'send')).toHaveAccessibleName('send: transfer, after unpack');
    await page.getByRole('button', { name: 'Create pipeline' }).press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Orders for the partner' })).toBeVisible();
  });

  await test.step('run and watched', async () => {
    await page.getByRole('button', { name: 'Run', exact: true }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Run Orders for the partner?' });
    await dialog.getByRole('button', { name: 'Run' }).press('Enter');
    await expect(page.getByRole('heading', { level: 1, name: 'Run of Orders for the partner' })).toBeVisible();
    await watchBar(page.getByRole('progressbar', { name: 'Progress of fetch' }));
    await expect(step(page, 'fetch')).toHaveAttribute('data-status', 'Running');
    await expect(line(page, 'fetch')).toContainText('Running');
    await expectNothingFound(page);
    await expect(step(page, 'fetch')).toHaveAttribute('data-status', 'Completed', { timeout: 60_000 });
    const fetched = await shownValues(page);
    expect(new Set(fetched).size, 'the bar of the first copy moved').toBeGreaterThan(3);

    await watchBar(page.getByRole('progressbar', { name: 'Progress of send' }));
    await expect(step(page, 'unpack')).toHaveAttribute('data-status', 'Completed', { timeout: 60_000 });
    await expect(step(page, 'send')).toHaveAttribute('data-status', 'Completed', { timeout: 60_000 });
    const sent = await shownValues(page);
    expect(new Set(sent).size, 'the bar of the second copy moved').toBeGreaterThan(3);
    await expect(headerState(page)).toHaveText('Completed');
    await expect(details(page)).toContainText('3 of 3 steps');
  });

  await test.step('the same bytes, sent by SFTP', async () => {
    const digest = await sha256(original);
    expect(await sha256(partner.path('orders.csv'))).toBe(digest);
    await line(page, 'send').getByRole('link', { name: 'Open transfer' }).press('Enter');
    await expect(details(page)).toContainText('SFTP push');
    await expect(details(page)).toContainText(digest);
  });
  await stays.end('SIGTERM');
});

/** A pull, a decompression and a push. The path of the source begins with `~`, the folder of the login. */
function threeSteps({ folder }: Server, partner: SftpServer): string {
  return `source: ftps://warehouse/~/orders.csv.gz
destination: ${folder}/in/
steps:
  - id: fetch
    type: transfer
  - id: unpack
    type: decompress
    needs: [fetch]
    path: ${folder}/in/orders.csv.gz
  - id: send
    type: transfer
    needs: [unpack]
    source: ${folder}/in/orders.csv
    destination: sftp://partner${partner.path('orders.csv')}
`;
}

function details(page: Page): Locator {
  return page.getByRole('region', { name: 'Details' });
}

/** The state beside the heading of a page. */
function headerState(page: Page): Locator {
  return page.locator('.page-about');
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256').update(await readFile(file)).digest('hex');
}
