// The editor of pipelines: saved by two at once, left without saving, and used without a mouse.
import { addCustomer, SpokenAgent } from '../support/fleet';
import { addPipeline, caretLine, definition, step } from '../support/pipelines';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

test('the second of two editors sees both versions, and unsaved text is dropped only after a question', async ({ page, server }) => {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const pipeline = await addPipeline(server, 'Shared', 'source: /a\ndestination: /b/\n');
  await openSignedIn(page, `/pipelines/${pipeline}/edit`);
  await definition(page).fill('source: /mine\ndestination: /b/\n');
  await server.send('PUT', `/api/pipelines/${pipeline}/yaml`, { yaml: 'source: /theirs\ndestination: /b/\n' }, headers);

  await page.getByRole('link', { name: 'Pipelines' }).first().click();
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await expect(question).toBeVisible();
  await question.getByRole('button', { name: 'Keep editing' }).click();
  await expect(definition(page)).toHaveValue('source: /mine\ndestination: /b/\n');

  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const conflict = page.getByRole('alert', { name: 'Another version was saved' });
  await expect(conflict).toContainText('you edited version 1, and version 2 was saved in the meantime');
  await conflict.getByRole('button', { name: 'Compare with version 2' }).click();
  const compared = page.getByRole('table', { name: 'Version 2 compared with Your text' });
  await expect(compared.locator('del')).toHaveText(['source: /theirs']);
  await expect(compared.locator('ins')).toHaveText(['source: /mine']);
  await expectNothingFound(page);
  await conflict.getByRole('button', { name: 'Save my text as version 3' }).click();
  await expect(page.getByText('Saved as version 3.')).toBeVisible();

  await test.step('on the way back, too', async () => {
    await page.getByRole('link', { name: 'Edit' }).click();
    await definition(page).fill('source: /other\ndestination: /b/\n');
    await page.goBack();
    await expect(question).toBeVisible();
    await expect(page).toHaveURL(/\/edit$/);
    await question.getByRole('button', { name: 'Leave' }).click();
    await expect(page).toHaveURL(new RegExp(`/pipelines/${pipeline}$`));
    await expect(page.getByRole('heading', { level: 1, name: 'Shared' })).toBeVisible();
  });
});

test('the editor and the graph need no mouse', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  await definition(page).fill('source: /a\ndestination: /b\nsteps:\n  - id: copy\n    type: transfer\n  - id: tell\n    ');
  await definition(page).press('Control+End');
  const suggestions = page.getByRole('listbox', { name: 'Suggestions' });

  await test.step('suggestions', async () => {
    await page.keyboard.press('Control+Space');
    await expect(suggestions).toBeVisible();
    await expect(suggestions.getByRole('option').first()).toContainText('type');
    await expect(suggestions.getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
    await expect(page.getByRole('status', { name: 'Number of suggestions' })).toContainText('suggestion');
    const first = await definition(page).getAttribute('aria-activedescendant');
    await expect(page.locator(`#${first}`)).toHaveRole('option');
    await page.keyboard.press('ArrowDown');
    await expect(definition(page)).not.toHaveAttribute('aria-activedescendant', first!);
    await expectNothingFound(page);
    await page.keyboard.press('Escape');
    await expect(suggestions).toBeHidden();

    await page.keyboard.type('ty');
    await page.keyboard.press('Enter');
    await page.keyboard.type('web');
    await expect(suggestions.getByRole('option')).toHaveCount(1);
    await page.keyboard.press('Enter');
    await expect(definition(page)).toHaveValue(/ {4}type: webhook$/);
    await page.keyboard.press('Enter');
    await page.keyboard.type('ur');
    await page.keyboard.press('Enter');
    await page.keyboard.type('"https://example.com/hook"');
    await page.keyboard.press('Enter');
    await page.keyboard.type('needs: [copy]');
    await page.keyboard.press('Enter');
    await page.keyboard.type('when: al');
    await page.keyboard.press('Enter');
    await expect(definition(page)).toHaveValue(/ {4}needs: \[copy\]\n {4}when: always$/);
    await expect(step(page, 'tell')).toHaveAccessibleName('tell: webhook, after copy, always');
  });

  await test.step('indents, and the way out', async () => {
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expect(definition(page)).toHaveValue(/\n {6}$/);
    await page.keyboard.press('Shift+Tab');
    await expect(definition(page)).toHaveValue(/always\n {4}$/);
    await page.keyboard.press('Control+z');
    await expect(definition(page)).toHaveValue(/\n {6}$/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    await expect(definition(page)).not.toBeFocused();
  });

  await test.step('from step to step', async () => {
    await step(page, 'copy').focus();
    await page.keyboard.press('ArrowDown');
    await expect(step(page, 'tell')).toBeFocused();
    await expect(page.getByText('https://example.com/hook').last()).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(definition(page)).toBeFocused();
    expect(await caretLine(page)).toBe(6);
  });
});

test('a text is run once with parameters, without a mouse and without being saved', async ({ page, server }) => {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { code } = await addCustomer(server, 'Customer of edge-1');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const saved = 'source: /a\ndestination: /b/\n';
  const pipeline = await addPipeline(server, 'Orders', saved);
  const draft = 'source: /out/${{ params.day }}.csv\ndestination: /b/\nparameters: { day: monday }\n';
  const run = page.getByRole('button', { name: 'Run once…' });

  await test.step('a pipeline must exist first', async () => {
    await openSignedIn(page, '/pipelines/new');
    await expect(page.getByText('To run this text once, create the pipeline first.')).toBeVisible();
    await expect(run).toHaveCount(0);
  });

  await test.step('an error is marked at its line, and nothing runs', async () => {
    await page.goto(`/pipelines/${pipeline}/edit`);
    await definition(page).fill(`${draft}timeut: 5m\n`);
    await run.press('Enter');
    await expect(page.getByRole('alert').filter({ hasText: 'Not run: the definition has 1 error' })).toBeVisible();
    await expect(definition(page)).toBeFocused();
    expect(await caretLine(page)).toBe(4);
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });

  await test.step('the parameters are those of the text', async () => {
    await definition(page).fill(draft);
    await run.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Run Orders once?' });
    await expect(dialog.getByLabel('day')).toHaveValue('monday');
    await expect(dialog).toContainText('Nothing is saved');
    await expectNothingFound(page);
    await dialog.getByLabel('day').fill('friday');
    await page.keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    await expect(definition(page)).toHaveValue(draft);
  });

  await test.step('the run shows the draft', async () => {
    const link = page.getByRole('status', { name: 'Started run' }).getByRole('link');
    const [tab] = await Promise.all([page.context().waitForEvent('page'), link.press('Enter')]);
    await expect(tab.getByRole('heading', { level: 1, name: 'Run of Orders' })).toBeVisible();
    const details = tab.getByRole('region', { name: 'Details' });
    await expect(details).toContainText('Draft, not saved');
    await expect(details).toContainText('day = friday');
    await expect(tab.getByRole('region', { name: 'Text of the definition' })).toContainText('parameters: { day: monday }');
    await expectNothingFound(tab);
    await agent.expectStep(new URL(tab.url()).pathname.split('/').at(-1)!, 'transfer');
    await tab.close();
  });

  await test.step('the pipeline is as it was, and the text is still unsaved', async () => {
    const { pipeline: found } = await server.send('GET', `/api/pipelines/${pipeline}`, undefined, headers);
    expect([found.version, found.yaml]).toEqual([1, saved]);
    await page.getByRole('link', { name: 'Pipelines' }).first().click();
    const question = page.getByRole('dialog', { name: 'Leave without saving?' });
    await question.getByRole('button', { name: 'Leave' }).click();
    await page.goto(`/pipelines/${pipeline}`);
    await expect(page.getByRole('region', { name: 'Runs' }).getByRole('row').nth(1)).toContainText('Draft');
  });
});
