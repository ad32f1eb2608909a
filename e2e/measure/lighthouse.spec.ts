// The performance score of Lighthouse: a first visit of a signed-in user, without a cache.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { CHROMIUM_ARGUMENTS } from '../support/browser';
import { seed } from '../support/fleet';
import { CHROMIUM } from '../support/place';
import { freePort, Program } from '../support/process';
import type { Server } from '../support/server';
import { expect, expectLive, signIn } from '../support/test';
import { test } from './patient-server';
import { printHeading, printRow } from './rows';
import { RunningFleet } from './running-fleet';

/** How often each page is measured; the median counts. */
const RUNS = 5;

/** Without a configuration Lighthouse measures a phone on a slow network. */
const DEVICES = [
  { name: 'desktop', config: desktopConfig, atLeast: 95 },
  { name: 'mobile', config: undefined, atLeast: 85 },
];

const PAGES = [
  { name: 'Overview', address: '/' },
  { name: 'Transfers', address: '/transfers' },
];

/** The audits that make up the score, with their units. */
const AUDITS = [
  { id: 'first-contentful-paint', name: 'first contentful paint', unit: ' ms' },
  { id: 'largest-contentful-paint', name: 'largest contentful paint', unit: ' ms' },
  { id: 'speed-index', name: 'speed index', unit: ' ms' },
  { id: 'total-blocking-time', name: 'total blocking time', unit: ' ms' },
  { id: 'cumulative-layout-shift', name: 'cumulative layout shift', unit: '' },
];

test('Lighthouse', async ({ server }, info) => {
  const profile = await mkdtemp(path.join(tmpdir(), 'mftplus-measure-'));
  const port = await freePort();
  const args = [...CHROMIUM_ARGUMENTS, `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, 'about:blank'];
  const [browser] = await Program.start(CHROMIUM, args, info.outputPath('chromium.log'));
  try {
    await seed(server);
    (await RunningFleet.create(server, 10, 100)).close();
    await signInOnce(port, server);
    printHeading(`Lighthouse, performance of a first visit of a signed-in user, medians of ${RUNS}`);
    for (const page of PAGES) {
      for (const device of DEVICES) {
        const results = [];
        for (let run = 0; run < RUNS; run++) results.push(await audit(server.url + page.address, port, device.config));
        results.sort((one, other) => scoreOf(one) - scoreOf(other));
        const median = results[Math.floor(RUNS / 2)];
        const title = `${page.name}, ${device.name}`;
        printRow(title, scoreOf(median), '', { atLeast: device.atLeast });
        for (const { id, name, unit } of AUDITS) printRow(`  ${title}: ${name}`, median.audits[id].numericValue!, unit);
        const report = info.outputPath(`${page.name}-${device.name}.json`.toLowerCase());
        await writeFile(report, JSON.stringify(median, null, 2));
      }
    }
  } finally {
    await browser.end('SIGTERM');
    // Processes of the browser may still write to it.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
});

/** Signs in, so that the browser has the cookie of the session. */
async function signInOnce(port: number, server: Server): Promise<void> {
  const address = `http://127.0.0.1:${port}`;
  await expect(async () => {
    expect((await fetch(`${address}/json/version`)).ok).toBe(true);
  }, 'the browser listens').toPass({ timeout: 30_000 });
  const browser = await chromium.connectOverCDP(address);
  const page = await browser.contexts()[0].newPage();
  await page.goto(server.url);
  await signIn(page);
  await expectLive(page);
  await page.close();
  // It stays open: only this connection to it is closed.
  await browser.close();
}

/** Measures a page once. Lighthouse empties the cache before, and keeps cookies. */
async function audit(url: string, port: number, config: typeof desktopConfig | undefined) {
  const result = await lighthouse(url, { port, onlyCategories: ['performance'], logLevel: 'error' }, config);
  const { lhr } = result!;
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.code}: ${lhr.runtimeError.message}`);
  expect(lhr.finalDisplayedUrl, 'the user is signed in').toBe(url);
  const failed = AUDITS.map(({ id }) => lhr.audits[id]).filter((audit) => audit.numericValue === undefined);
  expect(failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`)).toEqual([]);
  return lhr;
}

/** The score for performance, from 0 to 100. */
function scoreOf(result: Awaited<ReturnType<typeof audit>>): number {
  return Math.round(result.categories.performance.score! * 100);
}
