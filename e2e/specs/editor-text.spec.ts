// The text of a definition: its colours, help about its keys, and its format.
import type { Locator, Page } from '@playwright/test';
import { definition, paste } from '../support/pipelines';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

/** The coloured parts of one kind. */
function parts(page: Page, kind: string): Locator {
  return page.locator(`.code-line [data-kind="${kind}"]`);
}

for (const theme of ['light', 'dark'] as const) {
  test(`keys, values and expressions have their colours, in the ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await openSignedIn(page, '/pipelines/new');
    const text = '# note\nparameters:\n  day: "1"\nsource: /out/${{ params.day }}/*.csv\ndestination: /in/\ntimeout: 5m\n';
    await definition(page).fill(`${text}retry: { maxAttempts: 3, nonsense: 1 }\n`);
    await expect(parts(page, 'key')).toHaveText(
      ['parameters', 'day', 'source', 'destination', 'timeout', 'retry', 'maxAttempts', 'nonsense'],
    );
    await expect(parts(page, 'expression')).toHaveText(['${{ params.day }}']);
    await expect(parts(page, 'comment')).toHaveText(['# note']);
    await expect(parts(page, 'text')).toHaveText(['"1"']);
    const colour = (element: Element) => getComputedStyle(element).color;
    const colours = await Promise.all(['key', 'expression', 'comment', 'text'].map((kind) => parts(page, kind).first().evaluate(colour)));
    expect(new Set(colours).size).toBe(4);
    await expect(page.locator('.code-mark')).not.toHaveCount(0);
    await expectNothingFound(page);
  });
}

test('each coloured line is where the text area has it, wherever it is scrolled', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  // About 250 KiB.
  const lines = Array.from({ length: 9000 }, (_, number) => `  # line ${String(number).padStart(5, '0')} of the text`);
  await paste(page, `source: /a\n${lines.join('\n')}\ndestination: /b/\n`);
  const scrollTo = (share: number) =>
    definition(page).evaluate((area, share) => area.scrollTo(0, (area.scrollHeight - area.clientHeight) * share), share);
  for (const share of [0, 0.31, 0.5, 0.97, 1, 0]) {
    await scrollTo(share);
    const [top, height, above] = await definition(page).evaluate((area) => {
      const { top, height } = area.getBoundingClientRect();
      return [top, height, area.scrollTop];
    });
    // Of the line in the middle: its number by its colours, and by the position of the text area.
    const middle = top + height / 2;
    const shown = () =>
      page.locator('.code-line').evaluateAll((found, middle) => {
        const line = found.find((line) => {
          const { top, bottom } = line.getBoundingClientRect();
          return top <= middle && middle < bottom;
        });
        return line?.textContent ?? '';
      }, middle);
    const lineHeight = await page.locator('.code-line').first().evaluate((line) => line.getBoundingClientRect().height);
    const padding = await definition(page).evaluate((area) => parseFloat(getComputedStyle(area).paddingTop));
    const number = Math.floor((above + height / 2 - padding) / lineHeight);
    const expected = (await definition(page).inputValue()).split('\n')[number] ?? '';
    await expect.poll(shown).toBe(expected);
    expect(await page.locator('.code-line').count()).toBeLessThan(120);
  }
});

test('typing into the longest text colours only what is visible', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  await paste(page, `source: /a\ndestination: /b/\n${'# filling\n'.repeat(26_000)}`);
  await definition(page).press('Control+Home');
  await definition(page).pressSequentially('abcdefgh');
  await expect(parts(page, 'key').first()).toHaveText('abcdefghsource');
  expect(await page.locator('.code-line').count()).toBeLessThan(120);
});

test('keys are described at the caret and below the pointer', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  await definition(page).fill('source: /a\ndestination: /b/\noverlap: skip\nsteps:\n  - id: copy\n    type: transfer\n    verify: sha256\n');
  await expect(parts(page, 'key')).toHaveCount(7);
  const help = page.locator('#definition-key');
  await definition(page).press('Control+Home');
  await expect(help).toHaveText(/^source \S+.* Required\./);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await expect(help).toHaveText(/^overlap \S+.* One of: .*skip/);
  await expect(definition(page)).toHaveAccessibleDescription(/overlap \S+/);
  await page.keyboard.press('Control+End');
  await expect(help).not.toHaveText(/overlap/);
  await expectNothingFound(page);

  const tooltip = page.getByRole('tooltip');
  const over = async (key: string) => {
    const { x, y, width, height } = (await parts(page, 'key').filter({ hasText: key }).boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
  };
  await over('verify');
  await expect(tooltip).toContainText('One of:');
  await expectNothingFound(page);
  await page.keyboard.press('Escape');
  await expect(tooltip).toBeHidden();
  await over('steps');
  await expect(tooltip).toBeVisible();
  await expect(tooltip).not.toContainText('One of:');
  await definition(page).press('Control+End');
  await page.keyboard.type('t');
  await expect(tooltip).toBeHidden();
});

test('a text is formatted where its meaning stays the same, and that can be undone', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  const before =
    'source:   /a\ndestination: /b/   \nsteps:\n- id: copy\n  type: transfer\n      # then\n-   id: check\n    type: checksum\n' +
    '    path: >-\n          /b/x\n    retry:\n          maxAttempts: 3\n    needs: [ copy ]\n';
  const after =
    'source:   /a\ndestination: /b/\nsteps:\n  - id: copy\n    type: transfer\n    # then\n  - id: check\n    type: checksum\n' +
    '    path: >-\n          /b/x\n    retry:\n      maxAttempts: 3\n    needs: [ copy ]\n';
  await definition(page).fill(before);
  const button = page.getByRole('button', { name: 'Format' });
  await button.press('Enter');
  await expect(page.getByText('The definition was formatted.')).toBeVisible();
  await expect(definition(page)).toHaveValue(after);
  await definition(page).press('Control+z');
  await expect(definition(page)).toHaveValue(before);
  await button.press('Enter');
  await expect(definition(page)).toHaveValue(after);
  await button.press('Enter');
  await expect(page.getByText('The definition is formatted already.')).toBeVisible();

  await definition(page).fill('source: /a\nnonsense:\n     a: 1\n');
  await button.press('Enter');
  await expect(page.getByText('it has errors, which have to be fixed first')).toBeVisible();
  await expect(definition(page)).toHaveValue('source: /a\nnonsense:\n     a: 1\n');
  await definition(page).fill('source: /a\n\tdestination: /b/\n');
  await button.press('Enter');
  await expect(page.getByText('tabs cannot indent a line, in line 2')).toBeVisible();
  await expectNothingFound(page);
});

test('the names in a message are code, without the backticks of the message', async ({ page }) => {
  await openSignedIn(page, '/pipelines/new');
  await definition(page).fill('sourc: /a\ndestination: /b/\n');
  const problems = page.getByRole('region', { name: 'Problems' });
  const unknown = problems.getByRole('button').filter({ hasText: 'Unknown key sourc: did you mean source?' });
  await expect(unknown.locator('code')).toHaveText(['sourc', 'source']);
  await expect(problems).not.toContainText('`');
});
