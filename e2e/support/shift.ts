// How much a page moves while it loads.
import type { Page } from '@playwright/test';

/** The largest layout shift that a page may have. */
export const MOST_SHIFT = 0.02;

/** Lets the answers to queries come one after the other, as over a slow network. */
export async function delayAnswers(page: Page): Promise<void> {
  let waiting = 0;
  await page.route('**/graphql', async (route) => {
    waiting += 1;
    await new Promise((resolve) => setTimeout(resolve, 100 * waiting));
    waiting -= 1;
    await route.continue();
  });
}

/** Notes by how much each document shifts from its beginning on. */
export async function noteShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    let sum = 0;
    const add = (entries: PerformanceEntryList) => {
      for (const { value, hadRecentInput } of entries as unknown as { value: number; hadRecentInput: boolean }[]) {
        if (!hadRecentInput) sum += value;
      }
    };
    const observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ type: 'layout-shift', buffered: true });
    (window as any).notedShift = () => {
      add(observer.takeRecords());
      return sum;
    };
  });
}

/** By how much this document has shifted so far, apart from what followed an input. */
export async function notedShift(page: Page): Promise<number> {
  // A picture waits until what is on the page has been drawn.
  await page.screenshot();
  return page.evaluate(() => (window as any).notedShift());
}
