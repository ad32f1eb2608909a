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

/** The subscription of the notifications: whether it is on, and its latest update as JSON. */
function watchAlerts(page: Page): { isOn: boolean; latest: string } {
  const alerts = { isOn: false, latest: '' };
  page.on('websocket', (socket) => {
    let id: string | undefined;
    socket.on('framesent', ({ payload }) => {
      const message = JSON.parse(payload.toString());
      // No other subscription waits as long between two updates.
      if (message.type === 'subscribe' && /throttleMs: *5000/.test(message.payload.query)) id = message.id;
      if (message.type === 'complete' && message.id === id) id = undefined;
      alerts.isOn = id !== undefined;
    });
    socket.on('framereceived', ({ payload }) => {
      const message = JSON.parse(payload.toString());
      if (message.type === 'next' && message.id === id) alerts.latest = payload.toString();
    });
  });
  return alerts;
}

test('what else needs attention is said in the background, once, to those who want it', async ({ page, server }) => {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  await fail(agent, 'old.csv', 'quota exceeded');
  await page.clock.install();
  await noteNotifications(page, 'granted');
  const alerts = watchAlerts(page);
  const expectAlert = async (text: RegExp) => {
    await expect.poll(() => alerts.latest, { timeout: 30_000 }).toMatch(text);
    // A hidden page takes up what has arrived once a second.
    await page.clock.runFor(1000);
  };
  await openSignedIn(page, '/transfers');
  expect((await noted(page)).asked, 'the page does not ask for the permission by itself').toBe(0);
  await page.getByRole('button', { name: 'Turn notifications on' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Turn notifications off' })).toBeFocused();
  expect((await noted(page)).asked).toBe(1);
  await expectNothingFound(page);
  // What needs attention now is not news.
  await expectAlert(/quota exceeded/);

  await hide(page, true);
  await fail(agent, 'new.csv', 'permission denied by the partner');
  await expect.poll(async () => (await noted(page)).shown, { timeout: 30_000 }).toHaveLength(1);
  const [first] = (await noted(page)).shown;
  expect(first).toMatch(/^MFTPlus: .*permission denied by the partner$/);
  await fail(agent, 'newer.csv', 'permission denied by the partner');
  await expectAlert(/2 transfers [^"]*permission denied/);
  expect((await noted(page)).shown, 'the same cause is not said again').toEqual([first]);

  await hide(page, false);
  await fail(agent, 'seen.csv', 'disk is full');
  await expectAlert(/disk is full/);
  expect((await noted(page)).shown, 'the page itself shows it').toEqual([first]);

  await page.reload();
  await expectLive(page);
  await page.getByRole('button', { name: 'Turn notifications off' }).click();
  await expect.poll(() => alerts.isOn).toBe(false);
  await hide(page, true);
  await fail(agent, 'last.csv', 'host key has changed');
  await expect(page).toHaveTitle('(4) Transfers · MFTPlus', { timeout: 30_000 });
  expect((await noted(page)).shown).toEqual([]);
});

test('a browser that refuses notifications gets an explanation', async ({ page }) => {
  await noteNotifications(page, 'denied');
  await openSignedIn(page, '/');
  await page.getByRole('button', { name: 'Turn notifications on' }).click();
  await expect(page.getByText('This browser does not allow notifications.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Turn notifications on' })).toBeVisible();
});
