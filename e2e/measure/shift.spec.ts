// How much each page moves while it loads, with answers that come one after the other.
import { seed } from '../support/fleet';
import { delayAnswers, MOST_SHIFT, noteShifts, notedShift } from '../support/shift';
import { openSignedIn, test } from '../support/test';
import { show, views } from '../support/views';
import { printHeading, printRow } from './rows';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

for (const viewport of SIZES) {
  test(`layout shift, ${viewport.width} px wide`, async ({ page, server }) => {
    const seeded = await seed(server);
    await page.setViewportSize(viewport);
    await noteShifts(page);
    await delayAnswers(page);
    printHeading(`Layout shift of each page, ${viewport.width} px wide`);
    for (const view of views(seeded)) {
      if (view.name === 'overview') await openSignedIn(page, '/');
      await show(page, view);
      // What comes after the page seems complete moves it too.
      await page.waitForTimeout(2000);
      printRow(`${view.name} (${view.heading})`, await notedShift(page), '', { atMost: MOST_SHIFT });
    }
  });
}
