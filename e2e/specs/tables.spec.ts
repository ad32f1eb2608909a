// Tables: names that stay whole, orders, searches, columns, selections and files, and what the address keeps of them.
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

/** A name of 105 characters. */
const LONG = `${'quarterly-settlement-of-all-branches-'.repeat(3).slice(0, 95)}-final.csv`;

async function fleet(server: Server, name = 'edge-1'): Promise<SpokenAgent> {
  const { code } = await addCustomer(server, 'Acme Logistics');
  return SpokenAgent.register(server, code, name);
}

async function fail(agent: SpokenAgent, file: string, errorMessage: string): Promise<string> {
  const id = await agent.create(file, 1000);
  await agent.report(id, { status: 'running', bytesTransferred: 1 });
  await agent.report(id, { status: 'failed', errorMessage });
  return id;
}

/** The rows of the table without its head. */
function rows(page: Page): Locator {
  return page.getByRole('table').locator('tbody').getByRole('row');
}

/** The names of the files in their order. */
function files(page: Page): Locator {
  return page.getByRole('table').locator('tbody .cell-main a');
}

for (const width of [768, 1024, 1280, 1440]) {
  test(`long names of files and agents stay on one line and leave room, at ${width}`, async ({ page, server }) => {
    const agent = await fleet(server, 'warehouse-distribution-gateway-johannesburg-south-17');
    await agent.create(LONG, 4_000_000);
    await agent.create('short.csv', 4_000_000);
    await page.setViewportSize({ width, height: 900 });
    await openSignedIn(page, '/transfers');
    await expect(rows(page)).toHaveCount(2);
    for (const link of await rows(page).getByRole('link').all()) {
      const { height } = (await link.boundingBox())!;
      expect(height).toBeLessThan(30);
    }
    const cell = (await files(page).first().locator('xpath=ancestor::td').boundingBox())!;
    expect(cell.width, 'the column of names keeps its share').toBeGreaterThan(110);
    const heights = await rows(page).evaluateAll((found) => found.map((row) => row.getBoundingClientRect().height));
    expect(new Set(heights.map(Math.round)).size, 'rows are equally high').toBe(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), 'nothing to scroll').toBeLessThanOrEqual(width);
  });
}

test('a name that is cut is whole under the pointer and the focus, and in the tree of screen readers', async ({
  page,
  server,
}) => {
  const agent = await fleet(server);
  await agent.create(LONG, 1000);
  await openSignedIn(page, '/transfers');
  const link = page.getByRole('link', { name: LONG, exact: true });
  const isWhole = () =>
    link.evaluate((element, name) => {
      const whole = element.parentElement!;
      return whole.dataset.text === name && getComputedStyle(whole, '::after').content !== 'none';
    }, LONG);
  expect(await isWhole()).toBe(false);
  await link.hover();
  await expect.poll(isWhole).toBe(true);
  await page.mouse.move(0, 0);
  await expect.poll(isWhole).toBe(false);
  await link.focus();
  await expect.poll(isWhole).toBe(true);
  await expectNothingFound(page);
});

test('a role and an address of users do not break', async ({ page, server }) => {
  const email = 'operations-of-the-whole-southern-distribution-region@acme-logistics.example';
  const headers = { authorization: `Bearer ${await server.token()}` };
  const user = { email, password: 'a long enough password', role: 'admin' };
  await server.send('POST', '/api/users', user, headers);
  await page.setViewportSize({ width: 1024, height: 900 });
  await openSignedIn(page, '/users');
  const row = page.getByRole('row').filter({ hasText: email });
  const role = row.getByRole('cell', { name: 'Administrator' });
  const isCut = (cell: Element) => cell.scrollWidth > cell.clientWidth;
  expect(await role.evaluate(isCut)).toBe(false);
  expect(await role.evaluate((cell) => cell.getClientRects().length)).toBe(1);
  expect((await row.locator('.cell-title').boundingBox())!.height, 'one line').toBeLessThan(30);
});

test('a page after the last says so and leads to the last', async ({ page, server }) => {
  const agent = await fleet(server);
  for (let number = 0; number < 26; number++) await agent.create(`file-${number}.csv`, 1000);
  await openSignedIn(page, '/transfers?page=9999');
  await expect(page.getByText('Page 9,999 does not exist')).toBeVisible();
  await expect(page.getByText('No transfers yet')).toHaveCount(0);
  await expectNothingFound(page);
  await page.getByRole('link', { name: 'Go to the last page, 2' }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect(files(page)).toHaveText(['file-0.csv']);

  await page.goto('/jobs?page=7');
  await expect(page.getByText('Page 7 does not exist')).toBeVisible();
  await page.getByRole('link', { name: 'Go to the first page' }).click();
  await expect(page.getByText('No jobs yet')).toBeVisible();
});

test('the search finds parts of names and errors while one types, from three characters on', async ({ page, server }) => {
  const agent = await fleet(server);
  await agent.create('daily-invoices-north.csv', 1000);
  await fail(agent, 'orders.csv', 'quota exceeded on the partner');
  await openSignedIn(page, '/transfers');
  await expect(rows(page)).toHaveCount(2);
  const field = page.getByRole('searchbox', { name: 'Name, path or error' });
  await field.pressSequentially('in');
  await expect(page.getByText('at least 3 characters')).toBeVisible();
  await field.pressSequentially('voices');
  await expect(page).toHaveURL(/[?&]q=invoices/);
  await expect(files(page)).toHaveText(['daily-invoices-north.csv']);
  await field.fill('quota');
  await expect(files(page)).toHaveText(['orders.csv']);
  await expect(rows(page).first()).toContainText('quota exceeded on the partner');

  await page.reload();
  await expect(field).toHaveValue('quota');
  await expect(files(page)).toHaveText(['orders.csv']);
  await page.getByRole('link', { name: 'Clear filters' }).click();
  await expect(field).toHaveValue('');
  await expect(rows(page)).toHaveCount(2);
});

test('heads sort on the server, and the address keeps the order', async ({ page, server }) => {
  const agent = await fleet(server);
  for (const [file, size] of Object.entries({ 'small.csv': 10, 'large.csv': 30_000, 'middle.csv': 500 })) {
    await agent.create(file, size);
  }
  await openSignedIn(page, '/transfers');
  const head = (name: string) => page.getByRole('columnheader', { name });
  await expect(head('Created')).toHaveAttribute('aria-sort', 'descending');
  await expect(head('Size')).toHaveAttribute('aria-sort', 'none');
  await head('Size').getByRole('button').press('Enter');
  await expect(head('Size')).toHaveAttribute('aria-sort', 'descending');
  await expect(files(page)).toHaveText(['large.csv', 'middle.csv', 'small.csv']);
  await head('Size').getByRole('button').press('Enter');
  await expect(page).toHaveURL(/[?&]sort=size/);
  await expect(files(page)).toHaveText(['small.csv', 'middle.csv', 'large.csv']);
  await page.reload();
  await expect(head('Size')).toHaveAttribute('aria-sort', 'ascending');
  await expect(files(page)).toHaveText(['small.csv', 'middle.csv', 'large.csv']);
  await expectNothingFound(page);
});

test('jobs are sorted by their next runs, the earliest first, and those without one last', async ({ page, server }) => {
  const agent = await fleet(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  const late = `0 0 ${((new Date().getUTCDate() + 14) % 28) + 1} * *`;
  for (const [name, schedule, enabled] of [['Soon', '0 4 * * *', true], ['Paused', '0 4 * * *', false], ['Late', late, true]]) {
    const what = { sourcePath: '/out', destinationPath: '/in', protocol: 'local', direction: 'push' };
    await server.send('POST', '/api/jobs', { agentId: agent.id, name, schedule, enabled, ...what }, headers);
  }
  await openSignedIn(page, '/jobs');
  await expect(files(page)).toHaveText(['Late', 'Paused', 'Soon']);
  const head = page.getByRole('columnheader', { name: 'Next run' });
  await head.getByRole('button').press('Enter');
  await expect(head).toHaveAttribute('aria-sort', 'ascending');
  await expect(page).toHaveURL(/[?&]sort=nextRunAt/);
  await expect(files(page)).toHaveText(['Soon', 'Late', 'Paused']);
  await head.getByRole('button').press('Enter');
  await expect(files(page)).toHaveText(['Late', 'Soon', 'Paused']);
});

test('filters are chips that are removed one by one', async ({ page, server }) => {
  const agent = await fleet(server);
  await agent.create('a.csv', 1000);
  await openSignedIn(page, '/transfers');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('Protocol').selectOption('SFTP');
  await page.getByRole('combobox', { name: 'Agent' }).selectOption({ label: 'edge-1 (Acme Logistics)' });
  await expectNothingFound(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Filter', exact: true })).toBeFocused();
  const chips = page.getByRole('list', { name: 'Filters' });
  await expect(chips.getByRole('button')).toHaveText(['Agent: edge-1', 'Protocol: SFTP']);
  await page.getByRole('checkbox', { name: 'Failed' }).check({ force: true });
  await expect(page).toHaveURL(/protocol=sftp.*status=failed|status=failed.*protocol=sftp/);
  await expect(page.getByText('No transfers match these filters')).toBeVisible();
  await page.getByRole('checkbox', { name: 'Failed' }).uncheck({ force: true });
  await chips.getByRole('button', { name: /Protocol/ }).click();
  await expect(page).not.toHaveURL(/protocol/);
  await expect(files(page)).toHaveText(['a.csv']);
});

test('each status says how many transfers have it, of those that the other filters show', async ({ page, server }) => {
  const agent = await fleet(server);
  for (const file of ['orders-1.csv', 'orders-2.csv']) await fail(agent, file, 'no space left');
  await agent.create('stock.csv', 1000);
  await openSignedIn(page, '/transfers?status=failed');
  const status = (name: string) => page.locator('.chip').filter({ hasText: name });
  await expect(status('Failed')).toHaveText('Failed 2');
  await expect(status('Queued')).toHaveText('Queued 1');
  await expect(status('Stalled')).toHaveText('Stalled 0');
  await expect(files(page)).toHaveCount(2);
  await expectNothingFound(page);
  await page.getByRole('searchbox', { name: 'Name, path or error' }).fill('orders-1');
  await expect(status('Failed')).toHaveText('Failed 1');
  await expect(status('Queued')).toHaveText('Queued 0');
});

test('columns, rows and density are chosen, and stay', async ({ page, server }) => {
  const agent = await fleet(server);
  for (let number = 0; number < 27; number++) await agent.create(`file-${number}.csv`, 1000);
  await openSignedIn(page, '/transfers');
  await expect(rows(page)).toHaveCount(25);
  const head = (name: string) => page.getByRole('columnheader', { name });
  await expect(head('Duration')).toHaveCount(0);
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await page.getByRole('checkbox', { name: 'Agent' }).uncheck();
  await page.getByRole('checkbox', { name: 'Duration' }).check();
  await page.getByLabel('Rows per page').selectOption('50');
  await expect(rows(page)).toHaveCount(27);
  await expect(head('Agent')).toHaveCount(0);
  await expect(head('Duration')).toHaveCount(1);
  await expect(page).toHaveURL(/rows=50/);
  await expectNothingFound(page);

  const height = async () => (await rows(page).first().boundingBox())!.height;
  const comfortable = await height();
  await page.getByRole('radio', { name: 'Compact' }).check({ force: true });
  await expect.poll(height).toBeLessThan(comfortable - 10);
  await page.reload();
  await expect(rows(page)).toHaveCount(27);
  await expect(head('Agent')).toHaveCount(0);
  expect(await height()).toBeLessThan(comfortable - 10);
});

test('a page of 200 rows holds more than the server returns at once', async ({ page, server }) => {
  const agent = await fleet(server);
  for (let number = 0; number < 104; number++) await agent.create(`file-${number}.csv`, 1000);
  await openSignedIn(page, '/transfers?rows=200');
  await expect(rows(page)).toHaveCount(104);
  await expect(files(page).last()).toHaveText('file-0.csv');
});

test('several transfers are retried, with a result for each', async ({ page, server }) => {
  const agent = await fleet(server);
  await fail(agent, 'first.csv', 'no space left');
  await fail(agent, 'second.csv', 'no space left');
  await agent.create('waiting.csv', 1000);
  await openSignedIn(page, '/transfers');
  for (const name of ['first.csv', 'second.csv', 'waiting.csv']) {
    await page.getByRole('checkbox', { name: `Select ${name}` }).press('Space');
  }
  const bar = page.getByRole('group', { name: 'Selected rows' });
  await expect(bar).toContainText('3 selected');
  await bar.getByRole('button', { name: 'Retry' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Retry 3 transfers?' });
  await expectNothingFound(page);
  await dialog.getByRole('button', { name: 'Retry' }).press('Enter');
  const result = page.getByRole('dialog', { name: 'Retry: 2 of 3 transfers' });
  const line = (name: string) => result.getByRole('listitem').filter({ hasText: name });
  await expect(line('first.csv')).toContainText('Queued again');
  await expect(line('second.csv')).toContainText('Queued again');
  await expect(line('waiting.csv')).not.toContainText('Queued again');
  await expectNothingFound(page);
  await result.getByRole('button', { name: 'Done' }).press('Enter');
  await expect(bar).toHaveCount(0);
  await expect(page.getByRole('row', { name: /first\.csv/ })).toContainText('Queued');

  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check();
  await bar.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog', { name: 'Cancel 3 transfers?' }).getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('dialog', { name: 'Cancel: 3 of 3 transfers' })).toBeVisible();
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { transfers } = await server.ask('{ transfers { nodes { status } } }', {}, headers);
  expect(new Set(transfers.nodes.map((transfer: { status: string }) => transfer.status))).toEqual(new Set(['CANCELLED']));
});

test('several jobs are paused', async ({ page, server }) => {
  const agent = await fleet(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  for (const name of ['Morning', 'Evening']) {
    const what = { sourcePath: '/out', destinationPath: '/in', protocol: 'local', direction: 'push' };
    await server.send('POST', '/api/jobs', { agentId: agent.id, name, schedule: '0 3 1 1 *', ...what }, headers);
  }
  await openSignedIn(page, '/jobs');
  await page.getByRole('checkbox', { name: 'Select all rows of this page' }).check();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('dialog', { name: 'Pause: 2 of 2 jobs' })).toBeVisible();
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('table').getByText('Paused', { exact: true })).toHaveCount(2);
});

test('a file holds what the filters show, and no more', async ({ page, server }) => {
  const agent = await fleet(server);
  await fail(agent, 'broken.csv', '=1+1');
  const done = await agent.create('done.csv', 1000);
  await agent.report(done, { status: 'running', bytesTransferred: 1 });
  await agent.report(done, { status: 'completed', bytesTransferred: 1000 });
  await agent.create('waiting.csv', 1000);
  await openSignedIn(page, '/transfers?status=failed,completed');
  await expect(rows(page)).toHaveCount(2);
  const save = async (format: string) => {
    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: format, exact: true }).click(),
    ]);
    await page.keyboard.press('Escape');
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
  };
  const csv = await save('CSV');
  expect(csv.name).toMatch(/^transfers.*\.csv$/);
  const lines = csv.text.trim().split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('errorMessage');
  expect(csv.text).toContain("'=1+1");
  expect(csv.text).not.toContain('waiting.csv');
  const ndjson = await save('NDJSON');
  const objects = ndjson.text.trim().split('\n').map((line) => JSON.parse(line));
  expect(objects.map(({ status }) => status).sort()).toEqual(['completed', 'failed']);
});

test('rows keep their places while they are used, and new ones are announced', async ({ page, server }) => {
  const agent = await fleet(server);
  await agent.create('old.csv', 1000);
  await openSignedIn(page, '/transfers');
  await expect(files(page)).toHaveText(['old.csv']);
  await rows(page).first().hover();
  const before = await rows(page).first().boundingBox();
  for (const name of ['new-1.csv', 'new-2.csv', 'new-3.csv']) await agent.create(name, 1000);
  const news = page.getByRole('button', { name: '3 new' });
  await expect(news).toBeVisible();
  await expect(files(page)).toHaveText(['old.csv']);
  expect(await rows(page).first().boundingBox()).toEqual(before);
  await expectNothingFound(page);
  await news.click();
  await expect(files(page)).toHaveText(['new-3.csv', 'new-2.csv', 'new-1.csv', 'old.csv']);

  await page.getByRole('link', { name: 'old.csv' }).focus();
  await page.mouse.move(0, 0);
  await agent.create('later.csv', 1000);
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Name, path or error' }).focus();
  await expect(files(page).first()).toHaveText('later.csv');
});

test('on a phone rows are cards that can be sorted, and nothing is cut off', async ({ page, server }) => {
  const agent = await fleet(server);
  await agent.create(LONG, 500);
  await agent.create('large.csv', 30_000);
  await page.setViewportSize({ width: 390, height: 844 });
  await openSignedIn(page, '/transfers?sort=size');
  await expect(rows(page)).toHaveCount(2);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  const [first, second] = await rows(page).evaluateAll((found) => found.map((row) => row.getBoundingClientRect().top));
  expect(second - first).toBeGreaterThan(80);
  await expect(page.getByRole('link', { name: LONG, exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Size' }).click();
  await expect(files(page).first()).toHaveText('large.csv');
  await expectNothingFound(page);
});

test('only running rows have a bar, which is moved without layout', async ({ page, server }) => {
  const agent = await fleet(server);
  const done = await agent.create('done.csv', 1000);
  await agent.report(done, { status: 'running', bytesTransferred: 1 });
  await agent.report(done, { status: 'completed', bytesTransferred: 1000 });
  await fail(agent, 'broken.csv', 'connection reset by peer');
  const running = await agent.create('running.csv', 1000);
  await agent.report(running, { status: 'running', bytesTransferred: 400 });
  await openSignedIn(page, '/transfers');
  await expect(rows(page)).toHaveCount(3);
  const bar = page.getByRole('progressbar');
  await expect(bar).toHaveCount(1);
  await expect(bar).toHaveAttribute('aria-valuenow', '40');
  const moved = bar.locator('div').first();
  expect(await moved.evaluate((element) => getComputedStyle(element).transitionProperty)).toBe('transform');
  await expect(page.getByRole('row', { name: /broken\.csv/ })).toContainText('connection reset by peer');
});
