// A page with a thousand running transfers: what updates cost it, and how soon they are on the screen.
import type { Page } from '@playwright/test';
import { expect, expectLive, openSignedIn } from '../support/test';
import { test } from './patient-server';
import { Cost, longTasks, paints, watchLongTasks, watchPaints, type Paint } from './probes';
import { percentile, printHeading, printRow } from './rows';
import { RunningFleet, type Report, type Running } from './running-fleet';

const AGENTS = 20;
const TRANSFERS = 1_000;
const PER_SECOND = 200;
/** Seconds of each stretch that is measured. */
const SECONDS = 60;
/** Seconds of updates before anything is measured. */
const WARM_UP = 10;

/** The most long tasks in a stretch. */
const MOST_LONG_TASKS = 5;
/** The largest share of the main thread, in percent. */
const MOST_BUSY = 35;
/** The most that memory grows in a stretch, in percent: it stays as it is, apart from what a single update needs. */
const MOST_GROWTH = 5;
/** The most milliseconds from a PATCH to its pixel. */
const MOST_DELAY = { p50: 40, p99: 150 };

/** The pages with live rows: how many they show, and whether they receive the updates of rows that they do not show. */
const PAGES = [
  { name: 'Overview', address: '/', table: 'Running transfers', rows: 50, receivesAll: true },
  {
    name: 'Transfers',
    address: '/transfers?status=running&rows=200',
    table: 'Transfers',
    rows: 200,
    receivesAll: false,
  },
];

test(`${TRANSFERS} running transfers, ${PER_SECOND} updates a second`, async ({ page, server }) => {
  const fleet = await RunningFleet.create(server, AGENTS, TRANSFERS);
  try {
    const cost = await Cost.attach(page);
    await openSignedIn(page, '/');
    for (const { name, address, table, rows, receivesAll } of PAGES) {
      const load = `${PER_SECOND} updates a second, ${SECONDS} s`;
      printHeading(`${name}: ${rows} of ${TRANSFERS} running transfers shown, ${load}`);
      await page.goto(address);
      await expectLive(page);
      const shown = await shownIds(page, table, rows);
      // All updates are of rows that the page receives.
      const reported = fleet.transfers.filter(({ id }) => receivesAll || shown.has(id));
      await fleet.report(reported, PER_SECOND, WARM_UP);
      await measureCost(page, cost, fleet, reported);
      await watchPaints(page);
      const begin = performance.now();
      const reports = await fleet.report(reported, PER_SECOND, SECONDS);
      printRate(reports, begin);
      await page.waitForTimeout(2000);
      const visible = reports.filter(({ id }) => shown.has(id));
      printDelays(visible, await paints(page));
    }
  } finally {
    fleet.close();
  }
});

/** The ids of the transfers in the rows of a table. */
async function shownIds(page: Page, table: string, rows: number): Promise<Set<string>> {
  const links = page.getByRole('table', { name: table, exact: true }).locator('tbody tr .cell-main a');
  await expect(links).toHaveCount(rows);
  const addresses = await links.evaluateAll((found) => found.map((link) => (link as HTMLAnchorElement).href));
  return new Set(addresses.map((address) => address.split('/').at(-1)!));
}

/** Measures a stretch of updates without watching the rows. */
async function measureCost(page: Page, cost: Cost, fleet: RunningFleet, reported: Running[]): Promise<void> {
  const memory = await cost.memory();
  await page.waitForTimeout(1000);
  await watchLongTasks(page);
  const before = await cost.mainThread();
  const begin = performance.now();
  const reports = await fleet.report(reported, PER_SECOND, SECONDS);
  const after = await cost.mainThread();
  const long = await longTasks(page);
  printRate(reports, begin);
  printRow('Long tasks', long.length, '', { atMost: MOST_LONG_TASKS });
  printRow('Longest task of more than 50 ms', Math.max(0, ...long), ' ms');
  const share = ((after.busy - before.busy) / (after.at - before.at)) * 100;
  printRow('Share of the main thread', share, ' %', { atMost: MOST_BUSY });
  await page.waitForTimeout(1000);
  const then = await cost.memory();
  const growth = (now: number, once: number) => (now / once - 1) * 100;
  printRow('Objects of JavaScript at the begin', memory.objects / 1e6, ' MB');
  printRow('Growth of the objects of JavaScript', growth(then.objects, memory.objects), ' %', { atMost: MOST_GROWTH });
  printRow('Memory of WebAssembly at the begin', memory.wasm / 1e6, ' MB');
  printRow('Growth of the memory of WebAssembly', growth(then.wasm, memory.wasm), ' %', { atMost: MOST_GROWTH });
}

/** Prints whether the load was what it was meant to be. */
function printRate(reports: Report[], begin: number): void {
  const seconds = (performance.now() - begin) / 1000;
  printRow('PATCHes that were sent and answered', reports.length / seconds, '/s', { atLeast: PER_SECOND * 0.98 });
}

/** Prints how soon the reports about visible rows were on the screen. */
function printDelays(reports: Report[], painted: Paint[]): void {
  const firstPaint = new Map<string, number>();
  for (const [id, speed, at] of painted) {
    const key = `${id} ${speed}`;
    if (!firstPaint.has(key)) firstPaint.set(key, at);
  }
  const delays = reports.flatMap(({ id, speed, sentAt }) => {
    const at = firstPaint.get(`${id} ${speed}`);
    return at === undefined ? [] : [at - sentAt];
  });
  printRow('Updates of visible rows', reports.length, '');
  printRow('Updates of visible rows that were painted', (delays.length / reports.length) * 100, ' %');
  printRow('From PATCH to painted pixel, p50', percentile(delays, 0.5), ' ms', { atMost: MOST_DELAY.p50 });
  printRow('From PATCH to painted pixel, p99', percentile(delays, 0.99), ' ms', { atMost: MOST_DELAY.p99 });
}
