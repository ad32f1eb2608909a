// Pictures of every page in every state, for people to look at: `.local/screenshots/PAGE-STATE-THEME-WIDTH.png`.
import path from 'node:path';
import type { Page } from '@playwright/test';
import { addCustomer, seed, SpokenAgent, type Seeded } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, expectLive, openSignedIn, test } from '../support/test';
import { show, views, type View } from '../support/views';

const FOLDER = path.join(import.meta.dirname, '../../.local/screenshots');

/** The heights of screens by their widths. */
const HEIGHTS: Record<number, number> = { 390: 844, 768: 1024, 1280: 800, 1440: 900, 2560: 1440 };

/** A theme and a width. */
type Look = { theme: 'light' | 'dark'; width: number };

const LIGHT_LAPTOP: Look = { theme: 'light', width: 1440 };
const DARK_LAPTOP: Look = { theme: 'dark', width: 1280 };
const DARK_PHONE: Look = { theme: 'dark', width: 390 };
const LIGHT_PHONE: Look = { theme: 'light', width: 390 };
const LIGHT_TABLET: Look = { theme: 'light', width: 768 };
const DARK_SCREEN: Look = { theme: 'dark', width: 2560 };
const LIGHT_SCREEN: Look = { theme: 'light', width: 2560 };

/** How long a page is given where there is nothing to wait for, in milliseconds. */
const PAUSE = 2500;

test('busy', async ({ page, server, browser }) => {
  const seeded = await seed(server);
  await addTraffic(server);
  const all = views(seeded);
  await openSignedIn(page, '/');
  for (const view of all) {
    for (const look of [LIGHT_LAPTOP, DARK_PHONE]) {
      if (!view.isPublic) {
        await take(page, view, 'busy', look);
        continue;
      }
      // A user who is signed in is led on.
      const context = await browser.newContext({ baseURL: server.url });
      await take(await context.newPage(), view, 'busy', look);
      await context.close();
    }
  }
  const main = ['overview', 'transfers', 'transfer', 'agent', 'job', 'pipeline-run'];
  for (const view of all.filter(({ name }) => main.includes(name))) {
    for (const look of [LIGHT_TABLET, DARK_LAPTOP, LIGHT_SCREEN]) await take(page, view, 'busy', look);
  }
  await take(page, all.find(({ name }) => name === 'overview')!, 'busy', DARK_SCREEN);
});

test('empty', async ({ page }) => {
  await openSignedIn(page, '/');
  for (const view of [...lists(), { name: 'users', address: '/users', heading: 'Users' }]) {
    for (const look of [LIGHT_LAPTOP, DARK_PHONE]) await take(page, view, 'empty', look);
  }
});

test('failing', async ({ page, server }) => {
  const seeded = await seed(server);
  const { agent, transfer } = await addFailures(server);
  const pages: View[] = [
    { name: 'overview', address: '/', heading: 'Overview' },
    { name: 'transfers', address: '/transfers?status=failed', heading: 'Transfers' },
    { name: 'transfer', address: `/transfers/${transfer}`, heading: 'ledger-0.csv' },
    { name: 'agents', address: '/agents', heading: 'Agents' },
    { name: 'agent', address: `/agents/${agent.id}`, heading: agent.name },
    { name: 'activity', address: '/activity?show=failures', heading: 'Activity' },
    ...views(seeded).filter(({ name }) => name === 'job' || name === 'pipeline'),
  ];
  await openSignedIn(page, '/');
  for (const view of pages) {
    for (const look of [LIGHT_LAPTOP, DARK_PHONE]) await take(page, view, 'failing', look);
  }
});

test('loading, and queries that fail', async ({ page, server }) => {
  const pages = [...lists(), ...objects(await seed(server))];
  await openSignedIn(page, '/');
  const open = async (view: View, state: string, look: Look) => {
    await dress(page, look);
    await page.goto(view.address);
    await page.waitForTimeout(PAUSE);
    await save(page, view, state, look);
  };
  // No answer ever.
  await page.route('**/graphql', () => {});
  for (const view of pages) await open(view, 'loading', LIGHT_LAPTOP);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.route('**/graphql', (route) => route.fulfill({ status: 500, body: '' }));
  for (const view of lists()) await open(view, 'error', DARK_LAPTOP);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('offline', async ({ page, server, context }) => {
  const seeded = await seed(server);
  await openSignedIn(page, '/');
  const opened: [Page, View, Look][] = [];
  for (const view of [...lists(), ...objects(seeded)]) {
    const look = opened.length % 2 ? DARK_PHONE : DARK_LAPTOP;
    const tab = await context.newPage();
    await dress(tab, look);
    await show(tab, view);
    opened.push([tab, view, look]);
  }
  await server.kill();
  for (const [tab, view, look] of opened) {
    await tab.bringToFront();
    await expect(tab.getByRole('status', { name: 'Data' })).toHaveText(/^No data since /, { timeout: 60_000 });
    await save(tab, view, 'offline', look);
  }
});

for (const [state, length] of [
  ['short', 3],
  ['long', 105],
] as const) {
  test(`names of ${length} characters`, async ({ page, server }) => {
    const pages = await addNamed(server, length);
    await openSignedIn(page, '/');
    const looks = state === 'long' ? [LIGHT_TABLET, LIGHT_PHONE] : [DARK_LAPTOP];
    for (const view of pages) {
      for (const look of looks) await take(page, view, state, look);
    }
  });
}

/** Opens a page and takes its picture when everything on it has been loaded. */
async function take(page: Page, view: View, state: string, look: Look): Promise<void> {
  await dress(page, look);
  await show(page, view);
  await save(page, view, state, look);
}

async function dress(page: Page, { theme, width }: Look): Promise<void> {
  await page.setViewportSize({ width, height: HEIGHTS[width] });
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
}

async function save(page: Page, { name }: View, state: string, { theme, width }: Look): Promise<void> {
  const file = `${name}-${state}-${theme}-${width}.png`;
  await page.screenshot({ path: path.join(FOLDER, file), fullPage: true, animations: 'disabled' });
}

/** The pages with lists, which exist on every server. */
function lists(): View[] {
  return [
    { name: 'overview', address: '/', heading: 'Overview' },
    { name: 'transfers', address: '/transfers', heading: 'Transfers' },
    { name: 'jobs', address: '/jobs', heading: 'Jobs' },
    { name: 'pipelines', address: '/pipelines', heading: 'Pipelines' },
    { name: 'agents', address: '/agents', heading: 'Agents' },
    { name: 'activity', address: '/activity', heading: 'Activity' },
    { name: 'customers', address: '/customers', heading: 'Customers' },
  ];
}

/** The pages of single objects. */
function objects(seeded: Seeded): View[] {
  const names = ['transfer', 'agent', 'job', 'pipeline', 'pipeline-run'];
  return views(seeded).filter(({ name }) => names.includes(name));
}

/** More running and completed transfers, of another customer. */
async function addTraffic(server: Server): Promise<void> {
  const { code } = await addCustomer(server, 'Northwind Freight');
  for (let number = 0; number < 4; number++) {
    const agent = await SpokenAgent.register(server, code, `depot-${number}`);
    for (let file = 0; file < 8; file++) {
      const size = 40_000_000 * (file + 1);
      const id = await agent.create(`consignments-${number}-${file}.csv`, size);
      const bytesTransferred = (size / 10) * (file + 1);
      await agent.report(id, { status: 'running', bytesTransferred, speed: 3_100_000 * (file + 1) });
      if (file % 3 === 2) await agent.report(id, { status: 'completed', bytesTransferred: size });
    }
    await agent.say('POST', '/api/agents/heartbeat', { status: 'busy', load: 0.2 * (number + 1), memory: 3000 });
  }
}

/** Transfers that fail for several reasons, and an agent in error. */
async function addFailures(server: Server): Promise<{ agent: SpokenAgent; transfer: string }> {
  const { code } = await addCustomer(server, 'Northwind Freight');
  const agent = await SpokenAgent.register(server, code, 'depot-harbour');
  const reasons = [
    ['quotaExceeded', 'ftp.example.com: the quota of this account is used up'],
    ['authentication', 'ftp.example.com: the password was refused'],
    ['noSpace', 'cannot write /data/incoming: no space left on device'],
    ['mismatch', 'the SHA-256 of the copy is not that of the source'],
  ];
  let transfer = '';
  for (let number = 0; number < 12; number++) {
    const id = await agent.create(`ledger-${number}.csv`, 8_000_000);
    transfer ||= id;
    const [errorCode, errorMessage] = reasons[number % reasons.length];
    await agent.report(id, { status: 'running', bytesTransferred: 1_000_000 });
    await agent.report(id, { status: 'failed', errorCode, errorMessage });
  }
  const statusReason = 'the journal cannot be written: no space left on device';
  await agent.say('POST', '/api/agents/heartbeat', { status: 'error', statusReason, load: 0.97, memory: 15_800 });
  return { agent, transfer };
}

/** Objects whose names all have this length, and their pages. */
async function addNamed(server: Server, length: number): Promise<View[]> {
  const named = (text: string, end = '') => text.repeat(length).slice(0, length - end.length) + end;
  const customer = named('northern-freight-and-customs-');
  const { id: customerId, code } = await addCustomer(server, customer);
  const agent = await SpokenAgent.register(server, code, named('gateway-of-the-harbour-'));
  // Of three characters, the ending alone would leave no name.
  const file = named('quarterly-settlement-of-all-branches-', length > 10 ? '.csv' : '');
  const transfer = await agent.create(file, 640_000_000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 288_000_000, speed: 24_500_000 });
  const failed = await agent.create(named('returns-', length > 10 ? '.csv' : ''), 4_000_000);
  await agent.report(failed, { status: 'running', bytesTransferred: 1 });
  const errorMessage = `cannot write ${named('/data/incoming/')}: file exists`;
  await agent.report(failed, { status: 'failed', errorMessage });
  const headers = { authorization: `Bearer ${await server.token()}` };
  const job = named('hourly-orders-of-all-branches-');
  const copy = { sourcePath: '/data/outgoing', destinationPath: '/backup', protocol: 'local', direction: 'push' };
  const createJob = { agentId: agent.id, name: job, schedule: '0 * * * *', ...copy };
  const jobId = (await server.send('POST', '/api/jobs', createJob, headers)).job.id;
  const pipeline = named('nightly-archive-of-all-branches-');
  const yaml = `source: /data/month/\ndestination: /backup/\nagent: ${agent.name}\n`;
  const createPipeline = { identifier: 'nightly-archive', name: pipeline, yaml, customerId };
  const pipelineId = (await server.send('POST', '/api/pipelines', createPipeline, headers)).pipeline.id;
  const one = (name: string, id: string, heading: string): View => ({ name, address: `/${name}s/${id}`, heading });
  return [
    ...lists(),
    one('transfer', transfer, file),
    one('agent', agent.id, agent.name),
    one('job', jobId, job),
    one('pipeline', pipelineId, pipeline),
    one('customer', customerId, customer),
  ];
}
