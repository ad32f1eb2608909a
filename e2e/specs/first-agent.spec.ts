// From an empty fleet to the first heartbeat, with the commands that the page shows.
import path from 'node:path';
import { addCustomer, SpokenAgent } from '../support/fleet';
import { BINARY } from '../support/place';
import { Program, run } from '../support/process';
import { expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('the commands of the page add the first agent, and its first heartbeat turns it green', async ({
  page,
  server,
}, info) => {
  await addCustomer(server, 'Acme');
  await openSignedIn(page, '/agents');
  await page.getByRole('link', { name: 'Add the first agent' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Add an agent' })).toBeVisible();
  const arrival = page.locator('.arrival');
  await expect(arrival).toHaveText('Create the enrolment code to begin.');
  await expect(page.getByRole('combobox', { name: 'Customer' })).toContainText('Acme');

  const create = page.getByRole('button', { name: 'Create the enrolment code' });
  await create.focus();
  await page.keyboard.press('Enter');
  await expect(arrival).toHaveText('Waiting for the agent to register.');
  await expectNothingFound(page);
  const register = page.getByLabel('registration command', { exact: true });
  await expect(register).toContainText(`mftplus-agent register --server ${server.url} --code `);
  await expect(page.getByRole('button', { name: 'Copy registration command' })).toBeVisible();

  const state = ['--state-dir', path.join(server.folder, 'first'), '--server', server.url];
  const code = (await register.innerText()).split(' ').at(-1)!;
  await run(BINARY, ['agent', ...state, 'register', '--code', code, '--name', 'first-agent']);
  await expect(arrival).toHaveText('first-agent has registered. Waiting for its first heartbeat.');
  await expect(arrival).toHaveAttribute('data-tone', 'accent');

  const [agent] = await Program.start(
    BINARY,
    ['agent', ...state, 'run', '--allow-dir', server.folder],
    info.outputPath('agent.log'),
  );
  await expect(arrival).toHaveText('first-agent is online. Its first heartbeat has arrived.');
  await expect(arrival).toHaveAttribute('data-tone', 'good');
  await expectNothingFound(page);
  await page.getByRole('link', { name: 'Open the agent' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'first-agent' })).toBeVisible();
  await agent.end('SIGTERM');
});

test('only the agent that uses the code counts, and each code waits for an agent of its own', async ({ page, server }) => {
  const acme = await addCustomer(server, 'Acme');
  const globex = await addCustomer(server, 'Globex');
  await SpokenAgent.register(server, acme.code, 'already-there');
  await openSignedIn(page, `/customers/${acme.id}`);
  await page.getByRole('link', { name: 'Add an agent' }).click();
  const customer = page.getByRole('combobox', { name: 'Customer' });
  await expect(customer).toHaveValue(acme.id);
  const arrival = page.locator('.arrival');
  const register = page.getByLabel('registration command', { exact: true });
  const code = async () => (await register.innerText()).split(' ').at(-1)!;

  await page.getByRole('button', { name: 'Create the enrolment code' }).click();
  await expect(arrival).toHaveText('Waiting for the agent to register.');
  const first = await code();
  await SpokenAgent.register(server, globex.code, 'of-globex');
  await SpokenAgent.register(server, first, 'of-acme');
  await expect(arrival).toHaveText('of-acme is online. Its first heartbeat has arrived.');

  await page.getByRole('button', { name: 'Create another code' }).click();
  await expect(arrival).toHaveText('Waiting for the agent to register.');
  await expect.poll(code).not.toBe(first);
  const second = await code();
  await SpokenAgent.register(server, second, 'of-acme-too');
  await expect(arrival).toHaveText('of-acme-too is online. Its first heartbeat has arrived.');

  await customer.selectOption({ label: 'Globex' });
  await expect(arrival).toHaveText('Create the enrolment code to begin.');
  await expect(register).toHaveCount(0);
});

test('a customer adds agents of its own, and an administrator without customers sees what to do first', async ({
  page,
  server,
}) => {
  await openSignedIn(page, '/agents/new');
  await expect(page.getByRole('link', { name: 'Create the first customer' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Create the enrolment code' })).toBeDisabled();
  const { id } = await addCustomer(server, 'Acme');
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: id }, headers);
  await page.getByRole('button', { name: 'Sign out' }).click();

  await signIn(page, USER);
  await expectLive(page);
  await page.getByRole('region', { name: 'Agents' }).getByRole('link', { name: 'Add the first agent' }).click();
  await expect(page.getByRole('combobox', { name: 'Customer' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Create the enrolment code' }).click();
  const register = page.getByLabel('registration command', { exact: true });
  const code = (await register.innerText()).split(' ').at(-1)!;
  await SpokenAgent.register(server, code, 'of-acme');
  await expect(page.locator('.arrival')).toHaveText('of-acme is online. Its first heartbeat has arrived.');
});
