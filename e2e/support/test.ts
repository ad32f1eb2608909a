// `test` with a server of its own, and what every test does with the dashboard.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Locator, type Page, type Request } from '@playwright/test';
import { ADMIN, Server } from './server';

export { expect };

/** For a test that runs while no other does; `playwright.config.ts` says which are such tests. */
export const ALONE = { tag: '@alone' };

export const test = base.extend<{ server: Server }>({
  server: async ({}, use, info) => {
    const server = await Server.start(info.outputPath('server.log'));
    await use(server);
    await server.stop();
  },
  baseURL: async ({ server }, use) => use(server.url),
});

/** Fills in the form and sends it. */
export async function signIn(page: Page, { email, password } = ADMIN): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens an address as the administrator, who has signed in before, and waits until the page is live. */
export async function openSignedIn(page: Page, address: string): Promise<void> {
  // Over REST, which leaves the cookie in the browser: the form has tests of its own.
  const response = await page.request.post('/api/auth/login', { data: { ...ADMIN, cookie: true } });
  expect(response.status()).toBe(200);
  await page.goto(address);
  await expectLive(page);
}

/** Waits until what is on the page is live. */
export async function expectLive(page: Page): Promise<void> {
  await expect(connection(page)).toHaveText('Live', { timeout: 45_000 });
}

/**
 * Follows the GraphQL requests of a page from now on. The function that it returns waits until each of them has its answer
 * and nothing on the page is a placeholder.
 */
export function settling(page: Page): () => Promise<void> {
  const open = new Set<Request>();
  page.on('request', (request) => request.url().endsWith('/graphql') && open.add(request));
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  return async () => {
    await expect(page.locator('.skeleton, .skeleton-row')).toHaveCount(0);
    await expect
      .poll(async () => {
        // Requests that the page has just begun are known here when this has come back.
        await page.evaluate(() => fetch('/api/health/live').then((answer) => answer.text()));
        return open.size;
      })
      .toBe(0);
  };
}

/** The word on the state of the connection. */
export function connection(page: Page): Locator {
  return page.getByRole('status', { name: 'Connection' });
}

/** Notes every value that a progress bar shows from now on, in this document. */
export async function watchBar(bar: Locator): Promise<void> {
  await bar.evaluate((element) => {
    const name = element.getAttribute('aria-label')!;
    const shown: number[] = [];
    (window as any).shown = shown;
    const note = () => {
      const value = document.querySelector(`[role=progressbar][aria-label="${name}"]`)?.getAttribute('aria-valuenow');
      if (value && shown.at(-1) !== Number(value)) shown.push(Number(value));
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
}

/** The values that a watched bar has shown; none after a reload. */
export function shownValues(page: Page): Promise<number[]> {
  return page.evaluate(() => (window as any).shown ?? []);
}

/** The rules of axe that look at colours. */
export const COLOR_RULES = ['color-contrast', 'link-in-text-block'];

/**
 * What axe finds wrong with the page as it is, by these rules or else by all: nothing. A list is dimmed while it is read
 * again, which does not count.
 */
export async function expectNothingFound(page: Page, rules: string[] = []): Promise<void> {
  await page.evaluate(() => {
    const undimmed = new CSSStyleSheet();
    undimmed.replaceSync('[aria-busy="true"], .problems-count { opacity: 1 !important; transition: none !important; }');
    document.adoptedStyleSheets = [undimmed];
  });
  // Legacy mode opens no second page for its result, which only frames of other origins would need.
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations } = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`)).toEqual([]);
}
