// What `cargo xtask` built and found for Playwright.
import path from 'node:path';

/** The value of a variable that `cargo xtask` sets. */
export function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this with \`cargo xtask\`, as CONTRIBUTING.md says`);
  return value;
}

/** The server, built with the dashboard. */
export const BINARY = given('MFTPLUS_TEST_BINARY');
/** The browser. */
export const CHROMIUM = given('MFTPLUS_TEST_CHROMIUM');
/** Where traces and screenshots go. */
export const OUTPUT = path.join(import.meta.dirname, '..', 'output');
