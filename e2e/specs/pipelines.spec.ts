// Pipelines in the browser: written, corrected, run, changed, compared and restored.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { Agent, seed } from '../support/fleet';
import { addPipeline, caretLine, definition, line, step, steps } from '../support/pipelines';
import type { Server } from '../support/server';
import { ALONE, expect, expectLive, expectNothingFound, openSignedIn, signIn, test } from '../support/test';

const SIZE = 24_000_000;
const RATE = 6_000_000;
const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('three steps are written with a mistake that is corrected, run, changed, compared and restored', ALONE, async ({
  page,
  server,
}, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  const folder = path.join(server.folder, 'outgoing');
  await mkdir(folder);
  const content = Buffer.alloc(SIZE, 'orders of a long day\n');
  await writeFile(path.join(folder, 'orders.csv'), content);
  const stays = await agent.stay(RATE);
  await openSignedIn(page, '/pipelines');
  await page.getByRole('link', { name: 'Create the first pipeline' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Pack the orders');
  await page.getByLabel('Identifier').fill('pack-orders');
  await page.getByLabel('Customer').selectOption({ label: 'Customer of edge-1' });

  await test.step('a mistake is marked at its line', async () => {
    await definition(page).fill(threeSteps(server).replace('type: checksum', 'typ: checksum'));
    const line = threeSteps(server).split('\n').findIndex((text) => text.includes('type: checksum')) + 1;
    await expect(page.locator(`.code-mark[data-tone="bad"][data-line="${line}"]`)).toContainText('did you mean');
    await expect(definition(page)).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByRole('status').filter({ hasText: /\d errors?/ })).toBeVisible();
    await expectNothingFound(page);

    await page.getByRole('button', { name: 'Create pipeline' }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'Not saved: the definition has' })).toBeVisible();
    await page.getByRole('textbox', { name: 'Name' }).focus();
    await page.getByRole('button', { name: `Error in line ${line}` }).first().click();
    await expect(definition(page)).toBeFocused();
    expect(await caretLine(page)).toBe(line);
  });

  await test.step('and corrected', async () => {
    await definition(page).fill(threeSteps(server));
    await expect(page.getByRole('status').filter({ hasText: 'No problems' })).toBeVisible();
    await expect(definition(page)).toHaveAttribute('aria-invalid', 'false');
    await expect(page.locator('.code-mark')).toHaveCount(0);
    await expect(steps(page)).toHaveCount(3);
    await expect(step(page, 'pack')).toHaveAccessibleName('pack: compress, after check');
    await expect(page.getByRole('list', { name: 'Steps by agent' })).toContainText('edge-1');
    await page.getByRole('button', { name: 'Create pipeline' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Pack the orders' })).toBeVisible();
    await expectNothingFound(page);
  });

  await test.step('run with another value, and watched', async () => {
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Run Pack the orders?' });
    await expect(dialog.getByLabel('packed')).toHaveValue('orders.gz');
    await dialog.getByLabel('packed').fill('today.gz');
    await dialog.getByRole('button', { name: 'Run' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Run of Pack the orders' })).toBeVisible();
    await watchSteps(page);
    await expect(step(page, 'copy')).toHaveAttribute('data-status', 'Running');
    await expect(line(page, 'copy')).toContainText('Running');
    await expectNothingFound(page);
    await expect(step(page, 'pack')).toHaveAttribute('data-status', 'Completed', { timeout: 60_000 });
    await expect(page.getByRole('main').getByText('Completed', { exact: true }).first()).toBeVisible();
    const turns = await stepTurns(page);
    expect(turns.copy.at(-1)).toBe('Completed');
    expect(turns.copy).toContain('Running');
    const ends = ['copy', 'check', 'pack'].map((id) => turns.order.indexOf(`${id} Completed`));
    expect([...ends].sort((a, b) => a - b), 'one after the other').toEqual(ends);
    expect(turns.progress.length, 'the bar of the copy moved').toBeGreaterThan(3);
    await expect(line(page, 'copy')).toContainText('24.0 MB');
    await expect(line(page, 'copy').getByRole('link', { name: 'Open transfer' })).toBeVisible();
    const packed = await readFile(path.join(server.folder, 'copied', 'today.gz'));
    expect(gunzipSync(packed).equals(content)).toBe(true);
  });

  await test.step('changed, compared and restored', async () => {
    await page.getByRole('region', { name: 'Details' }).getByRole('link', { name: 'Pack the orders' }).click();
    await expect(page.getByRole('region', { name: 'Runs' }).getByRole('row').nth(1)).toContainText('3 of 3 steps');
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Nothing has changed, so there is no new version.')).toBeVisible();
    await page.getByRole('link', { name: 'Edit' }).click();
    await definition(page).fill(threeSteps(server).replace('timeout: 1h', 'timeout: 2h'));
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Saved as version 2.')).toBeVisible();

    await page.getByRole('link', { name: 'Versions' }).click();
    await expect(page.getByRole('table', { name: 'Versions' }).getByRole('row')).toHaveCount(3);
    const compared = page.getByRole('table', { name: 'Version 1 compared with Version 2' });
    await expect(compared.locator('del')).toHaveText(['timeout: 1h']);
    await expect(compared.locator('ins')).toHaveText(['timeout: 2h']);
    await expectNothingFound(page);
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await expect(page.getByText('was restored as version 3')).toBeVisible();
    await expect(page.getByRole('table', { name: 'Versions' }).getByRole('row').nth(1)).toContainText('Version 3');
    await page.getByLabel('From').selectOption('Version 1');
    await expect(page.getByText('The two versions are the same.')).toBeVisible();
  });

  await test.step('exported as it is', async () => {
    await page.getByRole('link', { name: 'Back to the pipeline' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Export' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('pack-orders.yaml');
    expect(await readFile(await download.path(), 'utf8')).toBe(threeSteps(server));
  });
  await stays.end('SIGTERM');
});

test('a run that failed goes on from its failed step, and one at work is cancelled', async ({ page, server }, info) => {
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'edge-1');
  await writeFile(path.join(server.folder, 'a.csv'), Buffer.alloc(1_000_000, 'a'));
  const stays = await agent.stay(RATE);
  const yaml = [
    `source: ${server.folder}/a.csv`,
    `destination: ${server.folder}/copied/`,
    'steps:',
    '  - { id: copy, type: transfer }',
    `  - { id: check, type: checksum, needs: [copy], path: ${server.folder}/b.csv }`,
    `  - { id: clean, type: delete, needs: [check], when: failure, path: ${server.folder}/copied/nothing }`,
  ].join('\n');
  const pipeline = await addPipeline(server, 'Two files', yaml);
  await openSignedIn(page, `/pipelines/${pipeline}`);
  await expect(page.getByRole('list', { name: 'Legend of the graph' })).toContainText('if a previous step failed');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click();
  await expect(step(page, 'check')).toHaveAttribute('data-status', 'Failed');
  await expect(line(page, 'check').locator('.cell-why')).toContainText('b.csv');
  const rerun = page.getByRole('button', { name: 'Rerun from failed step' });
  await expect(rerun).toBeVisible();
  await expectNothingFound(page);
  const failed = page.url();

  await writeFile(path.join(server.folder, 'b.csv'), 'b');
  await rerun.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rerun' }).click();
  await expect(page).not.toHaveURL(failed);
  await expect(step(page, 'check')).toHaveAttribute('data-status', 'Completed');
  await expect(step(page, 'copy')).toHaveAttribute('data-status', 'Completed');
  await expect(step(page, 'clean')).toHaveAttribute('data-status', 'Skipped');
  const details = page.getByRole('region', { name: 'Details' });
  await expect(details).toContainText('Rerun');
  await expect(details.getByRole('link', { name: 'previous run' })).toHaveAttribute('href', new URL(failed).pathname);

  await stays.end('SIGTERM');
  await details.getByRole('link', { name: 'Two files' }).click();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click();
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click();
  await expect(page.getByText(/Cancelling|Cancelled/).first()).toBeVisible();
});

test('a customer sees its own pipelines, and nothing asks for what is for administrators', async ({ page, server }) => {
  const { customer, pipeline, failedPipelineRun } = await seed(server);
  await addPipeline(server, 'Of the platform', 'source: /a\ndestination: /b\n');
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: customer }, headers);
  const refused: string[] = [];
  const note = (text: string) => text.includes('"errors":[{"message"') && refused.push(text);
  page.on('response', async (response) => {
    if (response.url().endsWith('/graphql')) note(await response.text().catch(() => ''));
  });
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => note(payload.toString())));
  await page.goto('/pipelines');
  await signIn(page, USER);
  await expectLive(page);
  await expect(page.getByRole('columnheader')).toHaveText(['Pipeline', 'Status', 'Version', 'Next run']);
  await expect(page.getByRole('link', { name: 'Of the platform' })).toHaveCount(0);

  await page.getByLabel('Identifier, name or description').fill('nightly');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/q=nightly/);
  await expect(page.getByRole('row')).toHaveCount(2);
  await page.getByRole('link', { name: 'Nightly orders' }).click();
  await expect(step(page, 'fetch')).toBeVisible();
  for (const name of ['Slots', 'Runs']) await expect(page.getByRole('region', { name, exact: true })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Run', exact: true })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Versions' })).toHaveCount(0);
  await expect(page.getByText(/^Only administrators start a pipeline manually/)).toBeVisible();
  await expectNothingFound(page);

  await page.getByRole('link', { name: 'Edit' }).click();
  await definition(page).fill('source: /a\ndestination: /b\n');
  await expect(page.getByRole('button', { name: 'Run once…' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/Saved as version \d/)).toBeVisible();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Paused', { exact: true })).toBeVisible();

  for (const address of [`/pipelines/${pipeline}/versions`, `/pipelines/${pipeline}/runs/${failedPipelineRun}`]) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name: 'For administrators only' })).toBeVisible();
  }

  await test.step('and makes a webhook secret, which is shown once', async () => {
    await page.goto('/pipelines');
    await page.getByRole('button', { name: 'Webhook secret' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Create secret' }).click();
    const shown = page.getByRole('dialog', { name: 'The new webhook secret' });
    await expect(shown.locator('code')).toHaveText(/.{20}/);
    await expectNothingFound(page);
    await shown.getByRole('button', { name: 'Done' }).click();
    await expect(page.locator('code.secret-text')).toHaveCount(0);
  });
  expect(refused).toEqual([]);
});

/** A copy, a check and a compression, of which the last one writes what a parameter says. */
function threeSteps({ folder }: Server): string {
  return `# Written by a person.
source: ${folder}/outgoing/orders.csv
destination: ${folder}/copied/orders.csv
timeout: 1h
parameters: { packed: orders.gz }
steps:
  - id: copy
    type: transfer
  - id: check
    type: checksum
    needs: [copy]
    path: ${folder}/copied/orders.csv
  - id: pack
    type: compress
    needs: [check]
    path: ${folder}/copied/orders.csv
    output: ${folder}/copied/\${{ params.packed }}
    format: gzip
`;
}

type Turns = { order: string[]; progress: number[] };

/** Notes every state that a step on the graph shows from now on, and every value of the copy's bar. */
async function watchSteps(page: Page): Promise<void> {
  await page.evaluate(() => {
    const turns: Turns = { order: [], progress: [] };
    (window as any).turns = turns;
    const note = () => {
      for (const node of document.querySelectorAll('.graph-node')) {
        const turn = `${node.id.replace('step-', '')} ${node.getAttribute('data-status')}`;
        if (!turns.order.includes(turn)) turns.order.push(turn);
      }
      const bar = document.querySelector('[role=progressbar][aria-label="Progress of copy"]');
      const value = bar?.getAttribute('aria-valuenow');
      if (value && turns.progress.at(-1) !== Number(value)) turns.progress.push(Number(value));
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
}

async function stepTurns(page: Page): Promise<Turns & { copy: string[] }> {
  const turns: Turns = await page.evaluate(() => (window as any).turns);
  const copy = turns.order.filter((turn) => turn.startsWith('copy ')).map((turn) => turn.slice('copy '.length));
  return { ...turns, copy };
}
