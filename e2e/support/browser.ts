// How Chromium is started.
import { CHROMIUM } from './place';

/** Its arguments. */
export const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** What Playwright starts. */
export const LAUNCH = { executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS };
