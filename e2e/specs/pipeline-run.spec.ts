// The page of a pipeline run: who started it, when its steps were executed, what became of each, and why.
import { seed } from '../support/fleet';
import { line, step } from '../support/pipelines';
import { expect, expectNothingFound, openSignedIn, test } from '../support/test';

const WHY = 'the SHA-256 of /data/incoming/orders.csv is not the one that was expected';

test('a run says who started it, when its steps were executed and why one failed, without a mouse', async ({
  page,
  server,
}) => {
  const { pipeline, failedPipelineRun } = await seed(server);
  await openSignedIn(page, `/pipelines/${pipeline}/runs/${failedPipelineRun}`);
  const card = (name: string) => page.getByRole('region', { name, exact: true });
  const box = async (name: string) => (await card(name).boundingBox())!;
  await expect(card('Details')).toContainText('admin@localhost');
  await expect(card('Details')).toContainText('date = 2026-11-24');
  const timing = page.getByRole('list', { name: 'Timing of the steps' });
  await expect(timing.getByRole('listitem')).toHaveCount(6);
  expect((await box('Details')).y, 'on top').toBeLessThan((await box('Graph')).y);
  expect((await box('Graph')).y).toBeLessThan((await box('Timing')).y);
  expect((await box('Graph')).width, 'over the whole width').toBe((await box('Timing')).width);
  const failed = timing.getByRole('listitem').filter({ hasText: 'checksum' });
  await expect(failed).toContainText('Failed');

  const drawer = card('Step');
  await test.step('the details of a step, from its bar', async () => {
    await failed.getByRole('button').press('Enter');
    await expect(page.locator('#details-of-step')).toBeFocused();
    await expect(drawer).toContainText(WHY);
    await expect(drawer.getByRole('list', { name: 'Attempts' }).getByRole('listitem').last()).toContainText('Failed');
    await expectNothingFound(page);
    await page.keyboard.press('Escape');
    await expect(drawer).toBeHidden();
  });

  await test.step('and from the graph', async () => {
    await step(page, 'checksum').focus();
    await page.keyboard.press('ArrowUp');
    await expect(step(page, 'fetch')).toBeFocused();
    await expect(drawer, 'the focus alone opens nothing').toBeHidden();
    await page.keyboard.press('Enter');
    await expect(drawer).toContainText('fetch');
    await drawer.getByRole('button', { name: 'Close' }).press('Enter');
    await expect(drawer).toBeHidden();
  });

  const log = card('Log');
  await expect(log.getByRole('listitem').first()).toContainText('Pipeline run created');
  await expect(log.getByRole('listitem').first()).toContainText('by admin@localhost');
  await expect(log).toContainText('checksum: Failed');
  await expect(log).toContainText('Pipeline run failed');
  await expectNothingFound(page);
});

test('closing the drawer returns the focus to the step that opened it', async ({ page, server }) => {
  const { pipeline, failedPipelineRun } = await seed(server);
  await openSignedIn(page, `/pipelines/${pipeline}/runs/${failedPipelineRun}`);
  const drawer = page.getByRole('region', { name: 'Step', exact: true });
  const timing = page.getByRole('list', { name: 'Timing of the steps' });
  const details = page.locator('#details-of-step');

  await test.step('on the graph', async () => {
    const opener = step(page, 'checksum');
    await opener.press('Enter');
    await expect(details).toBeFocused();
    await expect(opener).toHaveAttribute('aria-pressed', 'true');
    await page.keyboard.press('Escape');
    await expect(opener).toBeFocused();
    await expect(drawer).toBeHidden();
    await expect(opener).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('on the graph, where the arrow keys go on from there', async () => {
    await page.keyboard.press('ArrowUp');
    await expect(step(page, 'fetch')).toBeFocused();
    await page.keyboard.press('Space');
    await expect(drawer).toContainText('fetch');
    await drawer.getByRole('button', { name: 'Close' }).press('Enter');
    await expect(step(page, 'fetch')).toBeFocused();
    await expect(drawer).toBeHidden();
  });

  await test.step('in the timing', async () => {
    const opener = timing.getByRole('button', { name: 'pack', exact: true });
    await opener.press('Enter');
    await expect(details).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(opener).toBeFocused();
    await expect(drawer).toBeHidden();
  });

  await test.step('in the table', async () => {
    const opener = page.getByRole('button', { name: 'Details of archive' });
    await opener.press('Enter');
    await expect(details).toBeFocused();
    await drawer.getByRole('button', { name: 'Close' }).click();
    await expect(opener).toBeFocused();
    await expect(drawer).toBeHidden();
  });
});

test('the error of a step is on one line in the table of a run, and whole in its details', async ({ page, server }) => {
  const { pipeline, failedPipelineRun } = await seed(server);
  await page.setViewportSize({ width: 1024, height: 900 });
  await openSignedIn(page, `/pipelines/${pipeline}/runs/${failedPipelineRun}`);
  // Before the step that was skipped because of it.
  const failed = line(page, 'checksum').first();
  const why = failed.locator('.cell-why');
  await expect(why).toContainText('the SHA-256');
  expect((await why.boundingBox())!.height, 'one line').toBeLessThan(30);
  await failed.getByRole('button', { name: 'Details of checksum' }).click();
  await expect(page.getByRole('region', { name: 'Step', exact: true }).locator('pre')).toHaveText(WHY);
});

test('the bar of a running step reaches to now', async ({ page, server }) => {
  const { pipeline, openPipelineRun } = await seed(server);
  await openSignedIn(page, `/pipelines/${pipeline}/runs/${openPipelineRun}`);
  const timing = page.getByRole('list', { name: 'Timing of the steps' });
  const running = timing.getByRole('listitem').filter({ hasText: 'fetch' });
  await expect(running).toContainText(/Running, started .+ after the run/);
  const end = (box: { x: number; width: number } | null) => Math.round(box!.x + box!.width);
  const track = end(await running.locator('.gantt-track').boundingBox());
  await expect.poll(async () => end(await running.locator('.gantt-bar').boundingBox())).toBe(track);
  await expect(timing.getByRole('listitem').filter({ hasText: 'archive' }).locator('.gantt-bar')).toBeHidden();
});
