// Notifications of the browser: only where they were turned on, only in the background, and only of what is new.
import type { Page } from '@playwright/test';
import { addCustomer, SpokenAgent } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, test } from '../support/test';

/** Puts a browser in place of this one that notes its notifications, and a tab that may be hidden. */
async function noteNotifications(page: Page, answer: NotificationPermission): Promise<void> {
  await page.addInitScript((answer) => {
    const noted = { asked: 0, shown: [] as string[], isHidden: false };
    (window as any).noted = noted;
    (window as any).Notification = class {
      static permission = sessionStorage.getItem('permission') ?? 'default';
      static async requestPermission() {
        noted.asked++;
        this.permission = answer;
        sessionStorage.setItem('permission', answer);
        return answer;
      }
      onclick = null;
      constructor(title: string, { body }: { body: string }) {
        noted.shown.push(`${title}: ${body}`);
      }
    };
    Object.defineProperty(document, 'hidden', { get: () => noted.isHidden });
  }, answer);
}

function noted(page: Page): Promise<{ asked: number; shown: string[] }> {
  return page.evaluate(() => (window as any).noted);
}

function hide(page: Page, isHidden: boolean): Promise<void> {
  return page.evaluate((isHidden) => void ((window as any).noted.isHidden = isHidden), isHidden);
}

async function fail(agent: SpokenAgent, file: string, errorMessage: string): Promise<void> {
  const id = await agent.create(file, 1000);
  await agent.report(id, { status: 'running', bytesTransferred: 1 });
  await agent.report(id, { status: 'failed', errorMessage });
}

test('what else needs attention is said in the background, once, to those who want it', async ({ page, server }) => {
  test.setTimeout(120_000);
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  await fail(agent, 'old.csv', 'quota exceeded');
  await noteNotifications(page, 'granted');
  await openSignedIn(page, '/transfers');
  expect((await noted(page)).asked, 'nobody is asked unasked').toBe(0);
  await page.getByRole('button', { name: 'Turn notifications on' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Turn notifications off' })).toBeFocused();
  expect((await noted(page)).asked).toBe(1);
  await expectNothingFound(page);
  // The first state has arrived: what needs attention now is not news.
  await page.waitForTimeout(6000);

  await hide(page, true);
  await fail(agent, 'new.csv', 'permission denied by the partner');
  await expect.poll(async () => (await noted(page)).shown, { timeout: 40_000 }).toHaveLength(1);
  const [first] = (await noted(page)).shown;
  expect(first).toMatch(/^MFTPlus: /);
  await fail(agent, 'newer.csv', 'permission denied by the partner');
  await page.waitForTimeout(12_000);
  expect((await noted(page)).shown, 'the same cause is not said again').toEqual([first]);

  await hide(page, false);
  await fail(agent, 'seen.csv', 'disk is full');
  await page.waitForTimeout(12_000);
  expect((await noted(page)).shown, 'the page itself shows it').toEqual([first]);

  await page.reload();
  await expectLive(page);
  await page.getByRole('button', { name: 'Turn notifications off' }).click();
  await hide(page, true);
  await fail(agent, 'last.csv', 'host key has changed');
  await page.waitForTimeout(12_000);
  expect((await noted(page)).shown).toEqual([]);
});

test('a browser that refuses is told so', async ({ page }) => {
  await noteNotifications(page, 'denied');
  await openSignedIn(page, '/');
  await page.getByRole('button', { name: 'Turn notifications on' }).click();
  await expect(page.getByText('This browser does not allow notifications.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Turn notifications on' })).toBeVisible();
});
