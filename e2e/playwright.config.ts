import { defineConfig } from '@playwright/test';
import { LAUNCH } from './support/browser';
import { OUTPUT } from './support/place';

const ALONE = /@alone/;

export default defineConfig({
  testDir: 'specs',
  outputDir: `${OUTPUT}/tests`,
  // Every test has servers, folders and ports of its own, so any two can run at the same time. Only `cluster.spec.ts` uses
  // the PostgreSQL, and all of it runs alone.
  workers: 2,
  fullyParallel: true,
  // Tests with the tag `@alone` measure a time, or must do something on the page while a real copy or a short wait of the
  // dashboard lasts. They run one at a time after the others, unless one of these has failed: what is timed is the product
  // and not its neighbours.
  projects: [
    { name: 'together', grepInvert: ALONE },
    { name: 'alone', grep: ALONE, workers: 1, dependencies: ['together'] },
  ],
  retries: 0,
  // Ends what hangs: a test that looks at all pages takes minutes beside another one.
  timeout: 360_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    // Without a film, which costs more than the test itself: a trace has the page before and after each action.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    actionTimeout: 15_000,
    viewport: { width: 1440, height: 900 },
    launchOptions: LAUNCH,
  },
});
