// Saved views: what a list shows, under a name, for one user.
import type { Locator, Page } from '@playwright/test';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

type SavedView = { id: string; name: string; page: string; query: string; isDefault: boolean };

async function admin(server: Server): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await server.token()}` };
}

async function stored(server: Server): Promise<SavedView[]> {
  return (await server.ask('{ views { id name page query isDefault } }', {}, await admin(server))).views;
}

async function save(server: Server, name: string, page: string, query: string): Promise<string> {
  return (await server.send('POST', '/api/views', { name, page, query }, await admin(server))).view.id;
}

/** The button that opens the menu. */
function menu(page: Page): Locator {
  return page.getByRole('button', { name: 'Saved views' });
}

/** The open menu. */
function panel(page: Page): Locator {
  return page.getByRole('group', { name: 'Saved views' });
}

async function transfers(server: Server): Promise<void> {
  const { code } = await addCustomer(server, 'Acme Logistics');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  for (const [file, size] of Object.entries({ 'small.csv': 10, 'large.csv': 30_000 })) await agent.create(file, size);
}

/** The names of the files in their order. */
function files(page: Page): Locator {
  return page.getByRole('table').locator('tbody .cell-main a');
}

test('a view is saved, opened, renamed, replaced and deleted without a mouse', async ({ page, server }) => {
  await transfers(server);
  await openSignedIn(page, '/transfers?status=queued&sort=size&hide=agent&rows=50');
  await page.getByRole('button', { name: 'View', exact: true }).press('Enter');
  await page.getByRole('radio', { name: 'Compact' }).press('Space');
  await page.keyboard.press('Escape');

  await test.step('save', async () => {
    await menu(page).press('Enter');
    await panel(page).getByRole('button', { name: 'Save this view' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Save this view' });
    await expect(dialog.getByLabel('Name')).toBeFocused();
    await expectNothingFound(page);
    await page.keyboard.type('Queued, by size');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Queued, by size was saved.')).toBeVisible();
    await expect(menu(page)).toBeFocused();
    const [view] = await stored(server);
    expect(view).toMatchObject({ name: 'Queued, by size', page: 'transfers', isDefault: false });
    const expected = 'density=compact&hide=agent&rows=50&sort=size&status=queued';
    expect(view.query.split('&').sort().join('&')).toBe(expected);
  });

  const view = panel(page).getByRole('link', { name: 'Queued, by size' });
  await test.step('open', async () => {
    await page.goto('/transfers');
    await page.getByRole('button', { name: 'View', exact: true }).press('Enter');
    await page.getByRole('radio', { name: 'Comfortable' }).press('Space');
    await page.keyboard.press('Escape');
    await expect(files(page)).toHaveText(['large.csv', 'small.csv']);
    await menu(page).press('Enter');
    await expect(panel(page).getByRole('link', { name: 'All transfers' })).toHaveAttribute('aria-current', 'true');
    await expect(view).not.toHaveAttribute('aria-current');
    await expectNothingFound(page);
    await view.press('Enter');
    await expect(files(page)).toHaveText(['small.csv', 'large.csv']);
    await expect(panel(page)).toBeHidden();
    await expect(menu(page)).toBeFocused();
    await expect(page).toHaveURL(/\/transfers\?hide=agent&rows=50&sort=size&status=queued$/);
    await expect(page.getByRole('columnheader', { name: 'Agent' })).toHaveCount(0);
    await expect(page.locator('html')).toHaveAttribute('data-density', 'compact');
    await page.goBack();
    await expect(files(page)).toHaveText(['large.csv', 'small.csv']);
  });

  await test.step('rename', async () => {
    await menu(page).press('Enter');
    await panel(page).getByRole('button', { name: 'Change Queued, by size' }).press('Enter');
    await expectNothingFound(page);
    await panel(page).getByRole('button', { name: 'Rename' }).press('Enter');
    await page.getByRole('dialog', { name: 'Rename Queued, by size' }).getByLabel('Name').fill('Large ones');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Large ones was saved.')).toBeVisible();
    await expect(menu(page)).toBeFocused();
  });

  await test.step('replace, and undo', async () => {
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').press('Enter');
    await expect(page).toHaveURL(/sort=-size/);
    await menu(page).press('Enter');
    await panel(page).getByRole('button', { name: 'Change Large ones' }).press('Enter');
    await panel(page).getByRole('button', { name: 'Replace with what is shown' }).press('Enter');
    const link = panel(page).getByRole('link', { name: 'Large ones' });
    await expect(link).toHaveAttribute('aria-current', 'true');
    expect((await stored(server))[0].query).toContain('sort=-size');
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await expect(page.getByText('Undone.')).toBeVisible();
    expect((await stored(server))[0].query).toContain('status=queued');
  });

  await test.step('delete', async () => {
    await menu(page).press('Enter');
    await panel(page).getByRole('button', { name: 'Change Large ones' }).press('Enter');
    await panel(page).getByRole('button', { name: 'Delete' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Delete Large ones?' });
    await dialog.getByRole('button', { name: 'Delete view' }).press('Enter');
    await expect(page.getByText('Large ones was deleted.')).toBeVisible();
    await expect(menu(page)).toBeFocused();
    await menu(page).press('Enter');
    await expect(panel(page).getByRole('link')).toHaveText(['All transfers']);
    expect(await stored(server)).toEqual([]);
  });
});

test('a list opens with the default view, and the whole list stays within reach', async ({ page, server }) => {
  await transfers(server);
  await save(server, 'By size', 'transfers', 'sort=size');
  await save(server, 'Failed', 'transfers', 'status=failed');
  await openSignedIn(page, '/transfers');
  const change = async (name: string, action: string) => {
    await menu(page).click();
    await panel(page).getByRole('button', { name: `Change ${name}` }).click();
    await panel(page).getByRole('button', { name: action }).click();
  };
  await change('Failed', 'Open the list with it');
  await expect(page).toHaveURL(/\/transfers\?status=failed$/);
  await expect(page.getByText('No transfers match these filters')).toBeVisible();
  await page.keyboard.press('Escape');
  await change('By size', 'Open the list with it');
  await expect(panel(page).getByText('Default')).toHaveCount(1);
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('link', { name: 'Transfers' }).click();
  await expect(page).toHaveURL(/\/transfers\?sort=size$/);
  await expect(files(page)).toHaveText(['small.csv', 'large.csv']);

  await test.step('the list as a whole, also after a reload and after filters are cleared', async () => {
    await menu(page).click();
    await panel(page).getByRole('link', { name: 'All transfers' }).click();
    await expect(page).toHaveURL(/\/transfers\?view=all$/);
    await expect(files(page)).toHaveText(['large.csv', 'small.csv']);
    await page.reload();
    await expect(files(page)).toHaveText(['large.csv', 'small.csv']);
    await expect(page).toHaveURL(/\/transfers\?view=all$/);
    await page.getByRole('checkbox', { name: 'Failed' }).check({ force: true });
    await expect(page).toHaveURL(/\/transfers\?status=failed$/);
    await page.getByRole('checkbox', { name: 'Failed' }).uncheck({ force: true });
    await expect(page).toHaveURL(/\/transfers\?view=all$/);
  });

  await test.step('on another machine, too, and for this user alone', async () => {
    const other = await page.context().browser()!.newContext({ baseURL: server.url });
    const elsewhere = await other.newPage();
    await openSignedIn(elsewhere, '/transfers');
    await expect(elsewhere).toHaveURL(/\/transfers\?sort=size$/);
    await other.close();
    const user = { email: 'ops@acme.example', password: 'a long enough password', role: 'admin' };
    await server.send('POST', '/api/users', user, await admin(server));
    const theirs = await page.context().browser()!.newContext({ baseURL: server.url });
    const third = await theirs.newPage();
    await third.goto('/transfers');
    await signIn(third, user);
    await expect(files(third)).toHaveText(['large.csv', 'small.csv']);
    await third.getByRole('button', { name: 'Saved views' }).click();
    await expect(third.getByRole('group', { name: 'Saved views' }).getByRole('link')).toHaveText(['All transfers']);
    await theirs.close();
  });

  await change('By size', 'Do not open the list with it');
  await expect(page.getByText('By size no longer opens the list.')).toBeVisible();
  await page.goto('/transfers');
  await expect(files(page)).toHaveText(['large.csv', 'small.csv']);
  await expect(page).toHaveURL(/\/transfers$/);
});

test('what the server refuses is said, and what was typed stays', async ({ page, server }) => {
  for (let number = 1; number <= 50; number++) await save(server, `View ${number}`, 'jobs', `state=active`);
  await openSignedIn(page, '/jobs');
  await menu(page).click();
  await expect(panel(page).getByRole('link')).toHaveCount(51);
  await expectNothingFound(page);
  await panel(page).getByRole('button', { name: 'Save this view' }).click();
  const dialog = page.getByRole('dialog', { name: 'Save this view' });
  await dialog.getByLabel('Name').fill('One too many');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('There are 50 saved views already: delete one of them');
  await expect(dialog.getByLabel('Name')).toHaveValue('One too many');
  await dialog.getByLabel('Name').fill('   ');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Name: Must be 1 to 100 characters long');
});

for (const [name, address, query] of [
  ['agents', '/agents', 'status=online'],
  ['jobs', '/jobs', 'hide=agent'],
  ['pipelines', '/pipelines', 'rows=50'],
  ['events', '/activity', 'show=agents'],
]) {
  test(`the list of ${name} has saved views`, async ({ page, server }) => {
    await transfers(server);
    await save(server, 'Mine', address.slice(1), query);
    await save(server, 'Not here', 'customers', 'rows=50');
    await openSignedIn(page, address);
    await menu(page).click();
    await expect(panel(page).getByRole('link')).toHaveText([`All ${name}`, 'Mine']);
    await panel(page).getByRole('link', { name: 'Mine' }).click();
    await expect(page).toHaveURL(`${server.url}${address}?${query}`);
    await menu(page).click();
    await expect(panel(page).getByRole('link', { name: 'Mine' })).toHaveAttribute('aria-current', 'true');
    await panel(page).getByRole('link', { name: `All ${name}` }).click();
    await expect(page).toHaveURL(`${server.url}${address}`);
  });
}

test('on a phone the menu is within the window', async ({ page, server }) => {
  await save(server, 'A name of a view that takes more than one line on a phone', 'transfers', 'status=failed');
  await page.setViewportSize({ width: 390, height: 844 });
  await openSignedIn(page, '/transfers');
  await menu(page).click();
  const { x, width } = (await panel(page).boundingBox())!;
  expect(x).toBeGreaterThanOrEqual(0);
  expect(x + width).toBeLessThanOrEqual(390);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectNothingFound(page);
});
