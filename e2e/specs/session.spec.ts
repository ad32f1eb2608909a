// A session outlives its access tokens: the page renews them, and nobody notices.
import type { Page } from '@playwright/test';
import { expect, expectLive, openSignedIn, test } from '../support/test';

test('a token is renewed before it ends', async ({ page }) => {
  await page.clock.install();
  await openSignedIn(page, '/');
  const renewed = renewal(page);
  await page.clock.fastForward('59:30');
  await renewed;
  await expectLive(page);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
});

test('a socket that is closed for its token gets a new one and comes back', async ({ page }) => {
  let sockets = 0;
  let expire = () => {};
  await page.routeWebSocket('**/graphql/ws', (socket) => {
    sockets += 1;
    const server = socket.connectToServer();
    expire = () => {
      socket.close({ code: 4401, reason: 'Token expired' });
      server.close();
    };
  });
  await openSignedIn(page, '/');
  expect(sockets).toBe(1);

  const renewed = renewal(page);
  expire();
  await renewed;
  await expect.poll(() => sockets).toBe(2);
  await expectLive(page);
});

test('a session that cannot be renewed ends in the form, which says so and leads back', async ({ page, context }) => {
  await page.clock.install();
  await openSignedIn(page, '/agents');
  await context.clearCookies();
  await page.clock.fastForward('59:30');
  await expect(page.getByText('Your session has ended. Sign in again.')).toBeVisible();
  await expect(page).toHaveURL('/sign-in?to=%2Fagents');
});

/** The next renewal of the page's token. */
function renewal(page: Page): Promise<unknown> {
  return page.waitForResponse((response) => response.url().endsWith('/api/auth/refresh') && response.ok());
}
