import { addCustomer, Agent, SpokenAgent } from '../support/fleet';
import { expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('an administrator lets a customer in, who sees its own fleet alone', async ({ page, server }) => {
  const foreign = await addCustomer(server, 'Globex');
  const theirs = await SpokenAgent.register(server, foreign.code, 'globex-1');
  const hidden = await theirs.create('secret.bin', 1000);
  await openSignedIn(page, '/customers');

  await page.getByRole('button', { name: 'New customer' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Acme');
  await dialog.getByRole('button', { name: 'Create customer' }).click();
  await page.getByRole('link', { name: 'Acme' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Acme' })).toBeVisible();

  await page.getByRole('button', { name: 'New code' }).click();
  await dialog.getByRole('button', { name: 'Create code' }).click();
  const code = await dialog.getByLabel('code', { exact: true }).innerText();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText(code)).toHaveCount(0);
  await expect(page.getByRole('row')).toContainText(['', '0 of 1']);
  const ours = await SpokenAgent.register(server, code, 'acme-1');
  await ours.create('orders.csv', 2000);

  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('button', { name: 'New user' }).click();
  await dialog.getByLabel('E-mail').fill(USER.email);
  await dialog.getByLabel('Password').fill(USER.password);
  await dialog.getByRole('combobox', { name: 'Customer', exact: true }).selectOption({ label: 'Acme' });
  await dialog.getByRole('button', { name: 'Create user' }).click();
  await expect(page.getByRole('row', { name: USER.email })).toContainText('Active');
  await page.getByRole('button', { name: 'Sign out' }).click();

  await signIn(page, USER);
  await expect(page, 'not the page that the administrator has left').toHaveURL('/');
  await expectLive(page);
  const machines = page.getByRole('region', { name: 'Agents' });
  await expect(machines.getByRole('link', { name: 'acme-1' })).toBeVisible();
  await expect(machines.getByRole('link', { name: 'globex-1' })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Customers' })).toHaveCount(0);

  await page.getByRole('link', { name: 'Transfers', exact: true }).click();
  await expect(page.getByRole('link', { name: 'orders.csv' })).toBeVisible();
  await expect(page.getByText('secret.bin')).toHaveCount(0);
  await page.goto(`/transfers/${hidden}`);
  await expect(page.getByRole('heading', { name: 'Transfer not found' })).toBeVisible();
  await page.goto('/users');
  await expect(page.getByRole('heading', { name: 'For administrators only' })).toBeVisible();
});

test('the page of a customer has its agents and its users, and those of no other', async ({ page, server }) => {
  const [acme, globex] = [await addCustomer(server, 'Acme'), await addCustomer(server, 'Globex')];
  const agent = await SpokenAgent.register(server, acme.code, 'acme-1');
  await SpokenAgent.register(server, globex.code, 'globex-1');
  const headers = { authorization: `Bearer ${await server.token()}` };
  for (const [email, customerId] of [[USER.email, acme.id], ['ops@globex.example', globex.id]]) {
    await server.send('POST', '/api/users', { ...USER, email, role: 'customer', customerId }, headers);
  }
  await openSignedIn(page, `/customers/${acme.id}`);
  const agents = page.getByRole('table', { name: 'Agents' });
  await expect(agents.getByRole('link', { name: 'acme-1' })).toHaveAttribute('href', `/agents/${agent.id}`);
  await expect(agents.locator('tbody').getByRole('row')).toHaveCount(1);
  await agent.say('POST', '/api/agents/heartbeat', { status: 'busy', load: 0.4, memory: 100 });
  await expect(agents, 'live').toContainText('Busy');
  const users = page.getByRole('table', { name: 'Users' });
  await expect(users).toContainText(USER.email);
  await expect(users.locator('tbody').getByRole('row')).toHaveCount(1);
  await expectNothingFound(page);

  await page.goto('/customers');
  await page.getByRole('button', { name: 'New customer' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Initech');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Initech' }).click();
  await expect(page.getByText('This customer has no agents')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add the first agent' })).toHaveAttribute('href', /\/agents\/new\?customer=/);
});

test('an agent that is asked on its page replaces its key', async ({ page, server }, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  const stays = await agent.stay(1_000_000);
  await openSignedIn(page, '/agents');
  await page.getByRole('link', { name: 'edge-1', exact: true }).click();
  await page.getByRole('button', { name: 'Request key rotation' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('no user sees the key');
  await dialog.getByRole('button', { name: 'Request key rotation' }).click();
  await expect(page.getByText('edge-1 was asked to replace its key.')).toBeVisible();
  await page.getByRole('link', { name: 'Activity' }).click();
  await expect(page.getByText('Agent key rotation requested')).toBeVisible();
  await expect(page.getByText('Agent key rotated')).toBeVisible();
  await stays.end('SIGTERM');
});
