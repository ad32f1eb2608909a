import path from 'node:path';
import { seed } from '../support/fleet';
import { OUTPUT } from '../support/place';
import { expect, openSignedIn, test } from '../support/test';
import { show, views } from '../support/views';

const WIDTHS = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of WIDTHS) {
    test(`every page is in order, ${colorScheme}, ${viewport.width} px wide`, async ({ page, server }) => {
      const seeded = await seed(server);
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const view of views(seeded)) {
        await test.step(view.name, async () => {
          if (view.name === 'overview') await openSignedIn(page, '/');
          await show(page, view);
          const file = `${view.name}-${colorScheme}-${viewport.width}.png`;
          await page.screenshot({ path: path.join(OUTPUT, 'screenshots', file), fullPage: true });
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(width, 'nothing reaches over the edge').toBeLessThanOrEqual(viewport.width);
          expect(await brightness(page), 'the background is of the theme')[
            colorScheme === 'dark' ? 'toBeLessThan' : 'toBeGreaterThan'
          ](128);
        });
      }
    });
  }
}

test('a chosen theme counts more than the system and stays', async ({ page, server }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openSignedIn(page, `${server.url}/`);
  await page.getByRole('radio', { name: 'Dark' }).check();
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
  await expect.poll(() => brightness(page)).toBeLessThan(128);
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
  expect(await brightness(page)).toBeLessThan(128);
});

/** How bright the page's background is, from 0 to 255. */
async function brightness(page: import('@playwright/test').Page): Promise<number> {
  return page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d')!;
    const behind = [document.body, document.documentElement].map((element) => getComputedStyle(element).backgroundColor);
    // Any notation of a colour becomes three numbers on a canvas.
    context.fillStyle = behind.find((color) => color !== 'rgba(0, 0, 0, 0)') ?? 'white';
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    return (red + green + blue) / 3;
  });
}

test('a page is printed without menu and buttons, dark on white', async ({ page, server }) => {
  const { job } = await seed(server);
  await page.emulateMedia({ colorScheme: 'dark' });
  await openSignedIn(page, `/jobs/${job}`);
  await page.getByRole('radio', { name: 'Dark' }).check();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await page.emulateMedia({ media: 'print' });
  await expect(page.getByRole('heading', { level: 1, name: 'Hourly orders' })).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Run now' })).toBeHidden();
  const color = await page.getByRole('heading', { level: 1 }).evaluate((element) => getComputedStyle(element).color);
  expect(Math.max(...color.match(/\d+/g)!.map(Number)), color).toBeLessThan(64);
});
