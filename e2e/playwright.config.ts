import { defineConfig } from '@playwright/test';
import { CHROMIUM, OUTPUT } from './support/place';

export default defineConfig({
  testDir: 'specs',
  outputDir: `${OUTPUT}/tests`,
  // Every test has servers of its own; one at a time, so that what is timed is the product and not its neighbours.
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [['list']],
  use: {
    trace: 'retain-on-failure',
    actionTimeout: 15_000,
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--headless',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
});
