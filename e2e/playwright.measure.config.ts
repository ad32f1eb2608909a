// The projects of `cargo xtask bench dashboard` and `cargo xtask screenshots`. None of them is a test.
import { defineConfig } from '@playwright/test';
import { LAUNCH } from './support/browser';
import { OUTPUT } from './support/place';

export default defineConfig({
  testDir: 'measure',
  outputDir: `${OUTPUT}/measure`,
  workers: 1,
  retries: 0,
  timeout: 30 * 60_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    // It would be measured too.
    trace: 'off',
    actionTimeout: 15_000,
    viewport: { width: 1440, height: 900 },
    launchOptions: LAUNCH,
  },
  projects: [
    { name: 'dashboard', testMatch: ['**/updates.spec.ts', '**/shift.spec.ts', '**/lighthouse.spec.ts'] },
    { name: 'screenshots', testMatch: '**/screenshots.spec.ts' },
  ],
});
