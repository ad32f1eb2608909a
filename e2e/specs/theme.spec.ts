import path from 'node:path';
import { seed } from '../support/fleet';
import { OUTPUT } from '../support/place';
import { COLOR_RULES, expect, expectNothingFound, openSignedIn, test } from '../support/test';
import { show, views } from '../support/views';

const WIDTHS = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

for (const viewport of WIDTHS) {
  test(`every page is in order in both themes, ${viewport.width} px wide`, async ({ page, server }) => {
    const seeded = await seed(server);
    await page.setViewportSize(viewport);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    for (const view of views(seeded)) {
      await test.step(view.name, async () => {
        if (view.name === 'overview') await openSignedIn(page, '/');
        await show(page, view);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await brightness(page), 'the background is of the theme')[
            colorScheme === 'dark' ? 'toBeLessThan' : 'toBeGreaterThan'
          ](128);
          const file = `${view.name}-${colorScheme}-${viewport.width}.png`;
          await page.screenshot({ path: path.join(OUTPUT, 'screenshots', file), fullPage: true });
          // Of what axe looks for, the theme changes nothing but the colours.
          await expectNothingFound(page, colorScheme === 'dark' ? COLOR_RULES : []);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width, 'nothing reaches over the edge').toBeLessThanOrEqual(viewport.width);
      });
    }
  });
}

test('axe finds nothing in a dialog, in both themes', async ({ page }) => {
  await openSignedIn(page, '/customers');
  await page.getByRole('button', { name: 'New customer' }).click();
  await expect(page.getByRole('dialog', { name: 'New customer' })).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectNothingFound(page);
  }
});

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

for (const colorScheme of ['light', 'dark'] as const) {
  test(`texts, marks and series stand out from every ground, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto('/sign-in');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const grounds = ['page', 'surface', 'raised', 'sunken', 'hover', 'selected'];
    const texts = ['text', 'muted', 'accent', 'good', 'bad', 'warn'];
    const marks = ['line-strong', 'accent', 'good-mark', 'bad-mark', 'warn-mark', 'idle-mark'];
    const color = (name: string) => `--color-${name}`;
    const pairs: [string, string, number][] = grounds.flatMap((ground): [string, string, number][] => [
      ...texts.map((text): [string, string, number] => [color(text), color(ground), 4.5]),
      ...marks.map((mark): [string, string, number] => [color(mark), color(ground), 3]),
    ]);
    for (const tone of ['good', 'bad', 'warn']) pairs.push([color(tone), color(`${tone}-soft`), 4.5]);
    pairs.push([color('accent-strong'), color('accent-soft'), 4.5], [color('on-accent'), color('accent'), 4.5]);
    for (let series = 1; series <= 6; series += 1) pairs.push([`--data-${series}`, color('surface'), 3]);
    expect(await tooLow(page, pairs)).toEqual([]);
  });
}

/** The pairs of a colour and its ground whose contrast is less than the number beside them. */
async function tooLow(page: import('@playwright/test').Page, pairs: [string, string, number][]): Promise<string[]> {
  return page.evaluate((pairs) => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const probe = document.body.appendChild(document.createElement('span'));
    const luminance = (token: string) => {
      probe.style.color = `var(${token})`;
      context.fillStyle = getComputedStyle(probe).color;
      context.fillRect(0, 0, 1, 1);
      const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data]
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (front: string, ground: string) => {
      const [dark, light] = [luminance(front), luminance(ground)].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    };
    return pairs
      .filter(([front, ground, least]) => contrast(front, ground) < least)
      .map(([front, ground]) => `${front} on ${ground}: ${contrast(front, ground).toFixed(2)}`);
  }, pairs);
}

test('the font comes from the server, and its digits have one width', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const loaded = () =>
    page.evaluate(() => [...document.fonts].filter((face) => face.status === 'loaded').map((face) => face.family));
  await expect.poll(loaded).toContainEqual(expect.stringMatching(/^"?Inter"?$/));
  const widths = await page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d')!;
    context.font = '14px Inter';
    return [...'0123456789'].map((digit) => context.measureText(digit).width);
  });
  expect(new Set(widths).size, String(widths)).toBe(1);
});
