// Forms and dialogs: what is not saved is not lost, what is wrong is said where it is wrong, and buttons say what they do.
import { addCustomer, seed, SpokenAgent } from '../support/fleet';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

test('the buttons of a question say what they do', async ({ page, server }) => {
  const { transfer, job, openRun } = await seed(server);
  await openSignedIn(page, `/transfers/${transfer}`);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Cancel transfer' }).click();
  await expect(dialog.getByRole('button')).toHaveText(['Keep running', 'Cancel transfer']);
  await dialog.getByRole('button', { name: 'Keep running' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Cancel transfer' })).toBeVisible();
  await page.goto(`/jobs/${job}/runs/${openRun}`);
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await expect(dialog.getByRole('button')).toHaveText(['Keep running', 'Cancel run']);
});

test('a job that cannot be saved says at each field what is wrong with it', async ({ page, server }) => {
  const { job } = await seed(server);
  await openSignedIn(page, `/jobs/${job}/edit`);
  const field = (name: RegExp) => page.getByRole('textbox', { name });
  await field(/^Source/).fill('sftp://user:secret@host/out/');
  await field(/^Credentials/).fill('not a name');
  await field(/^Maximum delay/).fill('1s');
  await page.getByRole('button', { name: 'Save changes' }).click();
  for (const name of [/^Source/, /^Credentials/, /^Maximum delay/]) {
    await expect(field(name)).toHaveAttribute('aria-invalid', 'true');
    await expect(field(name)).toHaveAccessibleDescription(/^[A-Z].*\.$/);
  }
  await expect(field(/^Destination/)).toHaveAttribute('aria-invalid', 'false');
  await expect(field(/^Source/), 'the first of them').toBeFocused();
  await expect(page.getByRole('alert').filter({ hasText: 'Not saved: 3 fields must be corrected.' })).toBeVisible();
  for (const name of ['sourcePath', 'source:', 'maxDelay', 'initialDelay', 'credentials:']) {
    await expect(page.getByRole('main'), 'no name of the API').not.toContainText(name);
  }
  await expectNothingFound(page);

  await field(/^Delay before/).fill('soon');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(field(/^Delay before/)).toHaveAccessibleDescription('Must be a duration such as 30s, 5m or 1h30m.');
});

test('a job that was changed is not left unasked', async ({ page, server }) => {
  const { job } = await seed(server);
  await openSignedIn(page, `/jobs/${job}`);
  await page.getByRole('link', { name: 'Edit' }).click();
  const name = page.getByRole('textbox', { name: /^Name/ });
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page, 'unchanged').toHaveURL(new RegExp(`/jobs/${job}$`));

  await page.getByRole('link', { name: 'Edit' }).click();
  await name.fill('Orders of each hour');
  await page.getByRole('link', { name: 'Agents' }).click();
  await expect(question.getByRole('button')).toHaveText(['Keep editing', 'Leave']);
  await question.getByRole('button', { name: 'Keep editing' }).click();
  await expect(name).toHaveValue('Orders of each hour');
  await page.goBack();
  await expect(question).toBeVisible();
  await question.getByRole('button', { name: 'Keep editing' }).click();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Orders of each hour', exact: true })).toBeVisible();
  await expect(question).toBeHidden();

  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('combobox', { name: 'Symbolic links' }).selectOption('Fail');
  await page.getByRole('link', { name: 'Cancel' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page).toHaveURL(new RegExp(`/jobs/${job}$`));
});

test('an agent and a customer are found among more than a hundred, while one types', async ({ page, server }) => {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { code } = await addCustomer(server, 'Oldest customer');
  await SpokenAgent.register(server, code, 'oldest-agent');
  for (let index = 0; index < 101; index++) {
    await SpokenAgent.register(server, code, `edge-${index}`);
    await server.send('POST', '/api/customers', { name: `Customer ${index}` }, headers);
  }

  await openSignedIn(page, '/jobs/new');
  const agent = page.getByRole('combobox', { name: 'Agent' });
  await expect(agent.getByRole('option', { name: 'oldest-agent' })).toHaveCount(0);
  await page.getByLabel('Find agents by name or host name').pressSequentially('oldest');
  await expect(agent.getByRole('option')).toHaveText(['Choose an agent', 'oldest-agent (Oldest customer)']);
  await expect(page.getByText('1 found')).toBeVisible();
  await agent.selectOption({ label: 'oldest-agent (Oldest customer)' });
  await page.getByLabel('Find agents by name or host name').fill('edge-7');
  await expect(agent.getByRole('option', { name: 'edge-77' })).toHaveCount(1);
  await expect(agent.locator('option:checked'), 'the choice stays').toHaveText('oldest-agent (Oldest customer)');
  await expectNothingFound(page);

  await page.goto('/pipelines/new');
  const owner = page.getByRole('combobox', { name: 'Customer' });
  await expect(owner.getByRole('option')).toHaveCount(103);
  await page.getByLabel('Find customers by name').pressSequentially('oldest');
  await owner.selectOption({ label: 'Oldest customer' });
  await expect(owner.locator('option:checked')).toHaveText('Oldest customer');
});
