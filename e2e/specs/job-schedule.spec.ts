import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { Agent, seed } from '../support/fleet';
import type { Server } from '../support/server';
import {
  ALONE,
  expect,
  expectLive,
  expectNothingFound,
  openSignedIn,
  shownValues,
  signIn,
  test,
  watchBar,
} from '../support/test';

const FILES = ['a.csv', 'b.csv', 'c.csv'];
const SIZE = 6_000_000;
const RATE = 4_000_000;
const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

// Not the zone of the jobs, so that both clocks are shown.
test.use({ timezoneId: 'Europe/Berlin' });

test('a job is made with a wrong schedule that is corrected, run by hand, paused, and started by its schedule', ALONE, async ({
  page,
  server,
}, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  const { source, target } = await folders(server);
  const stays = await agent.stay(RATE);
  await openSignedIn(page, '/jobs');
  await expect(page.getByText('No jobs yet')).toBeVisible();

  await page.getByRole('link', { name: 'Create the first job' }).click();
  await fillIn(page, 'Outgoing orders', source, target);
  await schedule(page).fill('0 25 * * *');
  const wrong = page.getByRole('alert').filter({ hasText: 'hour: 25 is not one of its values; it may hold 0 to 23' });
  await expect(wrong).toBeVisible();
  await expect(schedule(page)).toHaveAttribute('aria-invalid', 'true');
  await expectNothingFound(page);
  await page.getByRole('button', { name: 'Create job' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Not saved: 1 field must be corrected.' })).toBeVisible();
  await expect(schedule(page)).toBeFocused();
  await expect(page.getByRole('heading', { level: 1, name: 'New job' })).toBeVisible();

  await schedule(page).fill('0 2 * * *');
  await page.getByRole('combobox', { name: 'Time zone' }).fill('America/New_York');
  await expect(page.getByText('Every day at 02:00, America/New_York')).toBeVisible();
  await expect(schedule(page)).toHaveAttribute('aria-invalid', 'false');
  const times = page.getByRole('table', { name: 'Next runs' });
  await expect(times.getByRole('columnheader')).toHaveText(['Next runs in America/New_York', 'In your time zone']);
  await expect(times.getByRole('row')).toHaveCount(6);
  await page.getByRole('button', { name: 'Create job' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Outgoing orders' })).toBeVisible();
  await expect(slots(page, 'Upcoming')).toHaveCount(5);

  await test.step('by hand', async () => {
    await page.getByRole('button', { name: 'Run now' }).click();
    const run = runs(page).getByRole('row').nth(1);
    await expect(run).toContainText('Running');
    await expect(run).toContainText('Manual');
    await run.getByRole('link').click();
    await expect(page.getByRole('heading', { level: 1, name: 'Run of Outgoing orders' })).toBeVisible();
    const bar = page.getByRole('progressbar', { name: 'Progress of outgoing' });
    await watchBar(bar);
    await expect(page.getByRole('main').getByText('Completed').first()).toBeVisible({ timeout: 30_000 });
    await expect(bar, 'a transfer that has ended has no bar').toHaveCount(0);
    expect(new Set(await shownValues(page)).size, 'the bar moved').toBeGreaterThan(3);
    await expect(page.getByRole('region', { name: 'Details' })).toContainText('18.0 MB');
    await expectCopied(source, target);
  });

  await test.step('paused and resumed', async () => {
    await page.getByRole('region', { name: 'Details' }).getByRole('link', { name: 'Outgoing orders' }).click();
    await expect(runs(page).getByRole('row').nth(1)).toContainText('Completed');
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect(page.getByText('Paused', { exact: true })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Run now' })).toBeDisabled();
    await expect(slots(page, 'Upcoming')).toHaveCount(0);
    await page.goto('/jobs?state=active');
    await expect(page.getByText('No jobs match this filter')).toBeVisible();
    await page.getByLabel('Status').selectOption('Paused');
    await expect(page).toHaveURL(/state=paused/);
    await page.getByRole('link', { name: 'Outgoing orders' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect(page.getByText('Active', { exact: true })).toBeVisible();
    await expect(slots(page, 'Upcoming')).toHaveCount(5);
  });

  await test.step('by its schedule', async () => {
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Every minute' }).click();
    await expect(page.getByText('Every minute').last()).toBeVisible();
    await schedule(page).fill(hourly());
    await page.getByRole('button', { name: 'Save changes' }).click();
    // Exact, since the heading before is "Edit Outgoing orders".
    await expect(page.getByRole('heading', { level: 1, name: 'Outgoing orders', exact: true })).toBeVisible();
    const headers = { authorization: `Bearer ${await server.token()}` };
    const { jobs } = await server.ask('{ jobs { nodes { nextRunAt } } }', {}, headers);
    await server.moveClockTo(new Date(jobs.nodes[0].nextRunAt));
    await expect(slots(page, 'Ran'), 'without a reload').toHaveCount(1, { timeout: 30_000 });
    await expect(slots(page, 'Upcoming')).toHaveCount(5);
    await expect(runs(page).getByRole('row')).toHaveCount(3);
    await slots(page, 'Ran').hover();
    await page.getByRole('link', { name: 'Open run' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Run of Outgoing orders' })).toBeVisible();
    await expect(page.getByRole('main').getByText('Completed').first()).toBeVisible();
  });
  await stays.end('SIGTERM');
});

test('a job has rules of its copy, which its page shows and its form keeps', async ({ page, server }, info) => {
  await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await openSignedIn(page, '/jobs/new');
  await fillIn(page, 'From the partner', 'sftp://partner/out/*.csv', '/data/in/');
  await page.getByRole('combobox', { name: 'Protocol' }).selectOption('SFTP');
  await page.getByRole('combobox', { name: 'Direction' }).selectOption('Pull');
  const credentials = page.getByRole('textbox', { name: /^Credentials/ });
  await credentials.fill('orders:secret');
  await page.getByRole('combobox', { name: 'If a file exists' }).selectOption('Skip it');
  const folder = page.getByRole('textbox', { name: /^Folder to move them to/ });
  await expect(folder).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Copied files at the source' }).selectOption('Move them to a folder');
  await folder.fill('/out/done/');
  await page.getByRole('combobox', { name: 'Attributes to keep' }).selectOption('Modification times');
  await page.getByRole('button', { name: 'Create job' }).click();
  const wrong = page.locator('.field-problem');
  await expect(wrong).toContainText('Must be a name in the agent');
  await expect(wrong).not.toContainText('secret');
  await expect(credentials).toBeFocused();
  await expect(credentials).toHaveAttribute('aria-invalid', 'true');

  await credentials.fill('orders');
  await page.getByRole('button', { name: 'Create job' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'From the partner' })).toBeVisible();
  const details = page.getByRole('region', { name: 'Details' });
  for (const text of ['orders', 'Skip it', 'Moved to /out/done/', 'Modification times']) {
    await expect(details).toContainText(text);
  }

  await page.getByRole('link', { name: 'Edit' }).click();
  await expect(credentials).toHaveValue('orders');
  await expect(folder).toHaveValue('/out/done/');
  await page.getByRole('combobox', { name: 'If a file exists' }).selectOption('Overwrite it');
  await page.getByRole('combobox', { name: 'Copied files at the source' }).selectOption('Keep them');
  await credentials.fill('');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'From the partner', exact: true })).toBeVisible();
  await expect(details).toContainText('Modification times');
  for (const text of ['Credentials', 'If a file exists', 'Moved to']) await expect(details).not.toContainText(text);
});

test('slots of the past are run after all, and a run that failed is tried again', async ({ page, server }, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  const { source, target } = await folders(server);
  const stays = await agent.stay(100 * RATE);
  await openSignedIn(page, '/jobs/new');
  await fillIn(page, 'Hourly orders', `${source}/nothing-there`, target);
  await schedule(page).fill(hourly());
  await page.getByRole('button', { name: 'Create job' }).click();

  await test.step('failed, and tried again', async () => {
    await page.getByRole('button', { name: 'Run now' }).click();
    const run = runs(page).getByRole('row').nth(1);
    await expect(run).toContainText('Failed');
    await run.getByRole('link').click();
    await expect(page.getByRole('heading', { name: 'Error' })).toBeVisible();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByText('Another attempt requested.')).toBeVisible();
    await page.getByRole('region', { name: 'Details' }).getByRole('link', { name: 'Hourly orders' }).click();
    await expect(runs(page).getByRole('row').nth(1)).toContainText('Attempt 2');
  });

  await test.step('backfilled', async () => {
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: /^Source/ }).fill(source);
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByRole('button', { name: 'Backfill' }).click();
    const dialog = page.getByRole('dialog', { name: 'Backfill' });
    await expect(dialog.getByLabel('From')).toBeFocused();
    await chooseHours(dialog, 24);
    await expect(dialog).toContainText('24 of 24 slots will run');
    await expectNothingFound(page);
    await chooseHours(dialog, 3);
    await expect(dialog).toContainText('3 of 3 slots will run');
    await dialog.getByRole('button', { name: 'Run 3 slots' }).click();
    await expect(dialog).toBeHidden();
    await expect(slots(page, 'Ran')).toHaveCount(3, { timeout: 30_000 });
    await expectCopied(source, target);
  });

  await test.step('and not twice', async () => {
    await page.getByRole('button', { name: 'Backfill' }).click();
    const dialog = page.getByRole('dialog', { name: 'Backfill' });
    await chooseHours(dialog, 24);
    await expect(dialog).toContainText('21 of 24 slots will run');
    await page.keyboard.press('Escape');
  });

  await test.step('from slot to slot without a mouse', async () => {
    const [ran, coming] = [await byTime(page, 'Ran'), await byTime(page, 'Upcoming')];
    await ran.at(-1)?.focus();
    await page.keyboard.press('ArrowRight');
    await expect(coming[0]).toBeFocused();
    await page.keyboard.press('Home');
    await expect(ran[0]).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Open run' })).toBeFocused();
  });

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete job' }).click();
  await expect(page.getByText('No jobs yet')).toBeVisible();
  await stays.end('SIGTERM');
});

test('a customer sees its jobs, and nothing asks for what is for administrators', async ({ page, server }) => {
  const { customer, job, openRun } = await seed(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: customer }, headers);
  const refused: string[] = [];
  const note = (text: string) => text.includes('"errors"') && refused.push(text);
  page.on('response', async (response) => {
    if (response.url().endsWith('/graphql')) note(await response.text().catch(() => ''));
  });
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => note(payload.toString())));
  await page.goto('/jobs');
  await signIn(page, USER);
  await expectLive(page);
  await expect(page.getByRole('row')).toHaveCount(4);
  await expect(page.getByRole('columnheader')).toHaveText(['Job', 'Status', 'Last run', 'Next run', 'Agent']);
  await expect(page.getByRole('link', { name: 'New job' })).toHaveCount(0);

  await page.getByRole('link', { name: 'Hourly orders' }).click();
  await expect(page.getByText('Every hour')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('/data/outgoing');
  for (const name of ['Slots', 'Runs']) await expect(page.getByRole('region', { name })).toHaveCount(0);
  await expect(page.getByText('Only administrators change a job and see its runs and slots.')).toBeVisible();
  // Only those that copy a value.
  await expect(page.getByRole('main').getByRole('button', { name: /^(?!Copy )/ })).toHaveCount(0);
  await expectNothingFound(page);

  for (const address of ['/jobs/new', `/jobs/${job}/runs/${openRun}`]) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name: 'For administrators only' })).toBeVisible();
  }
  await page.goto(`/jobs/${job}/edit`);
  await expect(page.getByText('You are not allowed to change this job.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save changes' })).toHaveCount(0);
  expect(refused).toEqual([]);
});

/** A folder with files for the agent to copy, and where it is to copy it. */
async function folders(server: Server): Promise<{ source: string; target: string }> {
  const source = path.join(server.folder, 'outgoing');
  await mkdir(source);
  for (const [index, file] of FILES.entries()) await writeFile(path.join(source, file), Buffer.alloc(SIZE, 65 + index));
  return { source, target: path.join(server.folder, 'copied') };
}

/** The copies are there, byte for byte. */
async function expectCopied(source: string, target: string): Promise<void> {
  for (const file of FILES) {
    const copies = [path.join(target, file), path.join(target, path.basename(source), file)].map((copy) =>
      readFile(copy),
    );
    const copied = await Promise.any(copies);
    expect(copied.equals(await readFile(path.join(source, file))), file).toBe(true);
  }
}

async function fillIn(page: Page, name: string, source: string, destination: string): Promise<void> {
  // By how the labels begin: hints are part of them.
  await page.getByRole('textbox', { name: /^Name/ }).fill(name);
  await page.getByRole('combobox', { name: /^Agent/ }).selectOption({ label: 'edge-1 (Customer of edge-1)' });
  await page.getByRole('textbox', { name: /^Source/ }).fill(source);
  await page.getByRole('textbox', { name: /^Destination/ }).fill(destination);
}

function schedule(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Schedule' });
}

/** The marks of the strip that say this. */
function slots(page: Page, word: string): Locator {
  return page.getByRole('region', { name: 'Slots' }).getByRole('button', { name: new RegExp(`: ${word}`) });
}

/** Every hour, half an hour away from now: no slot comes due by itself while a test runs. */
function hourly(): string {
  return `${(new Date().getUTCMinutes() + 30) % 60} * * * *`;
}

/** Chooses the last hours without the first minute, in which a slot could be one too many. */
async function chooseHours(dialog: Locator, hours: number): Promise<void> {
  const from = await dialog.getByLabel('To').evaluate((element, count) => {
    const to = new Date((element as HTMLInputElement).value);
    const early = new Date(to.getTime() - (count * 60 - 1 + to.getTimezoneOffset()) * 60_000);
    return early.toISOString().slice(0, 16);
  }, hours);
  await dialog.getByLabel('From').fill(from);
  await dialog.getByLabel('To').focus();
}

/** The same from the earliest to the latest, though the lines of earlier days stand below those of later ones. */
async function byTime(page: Page, word: string): Promise<Locator[]> {
  const marks = await slots(page, word).all();
  const named = await Promise.all(marks.map(async (mark) => ({ mark, name: await mark.getAttribute('aria-label') })));
  const time = (name: string | null): number => Date.parse(String(name).replace(/: [^:]*$/, ''));
  return named.sort((one, other) => time(one.name) - time(other.name)).map(({ mark }) => mark);
}

function runs(page: Page): Locator {
  return page.getByRole('region', { name: 'Runs' });
}
