// The editor of pipelines: saved by two at once, left without saving, and used without a mouse.
import { addPipeline, caretLine, definition, step } from '../support/pipelines';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

test('whoever was slower is told of both versions, and nothing unsaved is lost unasked', async ({ page, server }) => {
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
  const told = page.getByRole('alert', { name: 'Another version was saved' });
  await expect(told).toContainText('you edited version 1, and version 2 was saved in the meantime');
  await told.getByRole('button', { name: 'Compare with version 2' }).click();
  const compared = page.getByRole('table', { name: 'Version 2 compared with Your text' });
  await expect(compared.locator('del')).toHaveText(['source: /theirs']);
  await expect(compared.locator('ins')).toHaveText(['source: /mine']);
  await expectNothingFound(page);
  await told.getByRole('button', { name: 'Save my text as version 3' }).click();
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
