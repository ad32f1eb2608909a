// A session outlives its access tokens: the page renews them, and the user notices nothing. When it ends, the page stays.
import type { Locator, Page, Route } from '@playwright/test';
import { addPipeline, definition } from '../support/pipelines';
import { ADMIN, type Server } from '../support/server';
import { expect, expectLive, expectNothingFound, openSignedIn, test } from '../support/test';

const SAVED = 'source: /a\ndestination: /b/\n';
const EDITED = 'source: /mine\ndestination: /b/\n';
const OTHER = { email: 'other@example.com', password: 'another long passphrase' };

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

test('a session that cannot be renewed ends in a form over the page, which says so', async ({ page }) => {
  await page.clock.install();
  await openSignedIn(page, '/agents');
  await expire(page);
  await expect(again(page)).toContainText('Your session has ended. Sign in again.');
  await expect(again(page).getByLabel('Password')).toBeFocused();
  await expect(page).toHaveURL('/agents');
  await expectNothingFound(page);
  const heading = page.getByRole('heading', { level: 1, name: 'Agents' });
  await page.emulateMedia({ media: 'print' });
  await expect(heading, 'what is covered is not printed').toBeHidden();
  await page.emulateMedia({ media: null });
  await expect(heading, 'nor found').toBeHidden();

  await again(page).getByLabel('Password').fill('not the password');
  await again(page).getByRole('button', { name: 'Sign in' }).click();
  await expect(again(page).getByRole('alert')).toContainText('E-mail or password is wrong');
  await page.keyboard.press('Escape');
  await expect(again(page), 'it cannot be closed').toBeVisible();

  await signInAgain(page);
  await expectLive(page);
  await expect(heading).toBeVisible();
  await page.reload();
  await expect(heading).toBeVisible();
});

test('the text of an editor outlives the session, and is saved afterwards', async ({ page, server }) => {
  await page.clock.install();
  const pipeline = await addPipeline(server, 'Shared', SAVED);
  await openSignedIn(page, `/pipelines/${pipeline}/edit`);
  await definition(page).fill(EDITED);
  await expire(page);
  await expect(again(page)).toContainText('What you have not saved is still there, unless you reload the page.');
  await again(page).getByLabel('Password').click();
  const asks = page.waitForEvent('dialog');
  const reloading = page.evaluate(() => window.location.reload());
  const question = await asks;
  expect(question.type(), 'a reload would lose it').toBe('beforeunload');
  await question.dismiss();
  await reloading;
  await signInAgain(page);
  await expect(page).toHaveURL(`/pipelines/${pipeline}/edit`);
  await expect(definition(page)).toHaveValue(EDITED);
  await expectLive(page);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved as version 2.')).toBeVisible();
});

test('saving with a session that has ended is done by saving again', async ({ page, server }) => {
  await page.clock.install();
  const pipeline = await addPipeline(server, 'Shared', SAVED);
  await openSignedIn(page, `/pipelines/${pipeline}/edit`);
  await definition(page).fill(EDITED);
  await page.context().clearCookies();
  await page.route('**/graphql', (route) => {
    if (!route.request().postData()?.includes('replacePipelineDefinition')) return route.continue();
    const headers = { ...route.request().headers(), authorization: 'Bearer ended' };
    return route.continue({ headers });
  });
  const save = page.getByRole('button', { name: 'Save', exact: true });
  await save.click();
  await expect(again(page)).toBeVisible();
  await page.unroute('**/graphql');
  await signInAgain(page);
  await expect(page.getByText('Your session has ended.')).toHaveCount(0);
  await save.click();
  await expect(page.getByText('Saved as version 2.')).toBeVisible();
});

test('what is in a form or a dialog outlives the session', async ({ page }) => {
  await page.clock.install();
  await test.step('the form of a job', async () => {
    await openSignedIn(page, '/jobs/new');
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('Nightly orders');
    await expire(page);
    await signInAgain(page);
    await expect(name).toHaveValue('Nightly orders');
    await page.getByRole('link', { name: 'Customers', exact: true }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Leave' }).click();
  });

  await test.step('a dialog', async () => {
    await page.getByRole('button', { name: 'New customer' }).click();
    const dialog = page.getByRole('dialog', { name: 'New customer' });
    await dialog.getByLabel('Name').fill('Acme');
    await expire(page);
    await signInAgain(page);
    await expect(dialog.getByLabel('Name')).toHaveValue('Acme');
    await dialog.getByRole('button', { name: 'Create customer' }).click();
    await expect(page.getByText('Acme was created.')).toBeVisible();
  });
});

test('another user who signs in does not see what the first one has not saved', async ({ page, server }) => {
  await page.clock.install();
  await addOther(server);
  const pipeline = await addPipeline(server, 'Shared', SAVED);
  await openSignedIn(page, `/pipelines/${pipeline}/edit`);
  await definition(page).fill(EDITED);
  await expire(page);
  await again(page).getByLabel('E-mail').fill(OTHER.email);
  await signInAgain(page, OTHER.password);
  await expect(page.getByText(OTHER.email)).toBeVisible();
  await expect(definition(page)).toHaveValue(SAVED);
});

test('what one user has asked for is not done for another who signs in meanwhile', async ({ page, server }) => {
  await page.clock.install();
  await addOther(server);
  await openSignedIn(page, '/customers');
  const held: Route[] = [];
  await page.route('**/graphql', (route) => {
    if (!route.request().postData()?.includes('createCustomer')) return route.continue();
    held.push(route);
  });
  await page.getByRole('button', { name: 'New customer' }).click();
  const dialog = page.getByRole('dialog', { name: 'New customer' });
  await dialog.getByLabel('Name').fill('Acme');
  await dialog.getByRole('button', { name: 'Create customer' }).click();
  await expect.poll(() => held.length).toBe(1);
  await expire(page);
  await again(page).getByLabel('E-mail').fill(OTHER.email);
  await signInAgain(page, OTHER.password);
  await expect(page.getByText(OTHER.email)).toBeVisible();

  const renewed = renewal(page);
  await held[0].fulfill({ status: 401 });
  await renewed;
  // A repetition would follow the answer to the renewal at once.
  await page.evaluate(() => fetch('/api/health/live').then((answer) => answer.text()));
  expect(held).toHaveLength(1);
});

/** Adds another administrator. */
async function addOther(server: Server): Promise<void> {
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...OTHER, role: 'admin' }, headers);
}

/** Ends the session of the page: the next renewal of its token fails. */
async function expire(page: Page): Promise<void> {
  await page.context().clearCookies();
  await page.clock.fastForward('59:30');
  await expect(again(page)).toBeVisible();
}

/** The form that a page shows when its session has ended. */
function again(page: Page): Locator {
  return page.getByRole('dialog', { name: 'Sign in again' });
}

async function signInAgain(page: Page, password = ADMIN.password): Promise<void> {
  await again(page).getByLabel('Password').fill(password);
  await again(page).getByRole('button', { name: 'Sign in' }).click();
  await expect(again(page)).toBeHidden();
}

/** The next renewal of the page's token. */
function renewal(page: Page): Promise<unknown> {
  return page.waitForResponse((response) => response.url().endsWith('/api/auth/refresh') && response.ok());
}
