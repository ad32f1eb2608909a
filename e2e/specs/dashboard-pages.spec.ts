// Going from page to page: back to where one was, addresses of nothing, and pages that do not jump.
import { seed } from '../support/fleet';
import { addPipeline, steps } from '../support/pipelines';
import { delayAnswers, MOST_SHIFT, noteShifts, notedShift } from '../support/shift';
import { ALONE, expect, expectLive, expectNothingFound, openSignedIn, settling, signIn, test } from '../support/test';

const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('going back leads to where one was on the page', async ({ page, server }) => {
  await seed(server);
  await page.clock.install();
  await page.setViewportSize({ width: 1280, height: 420 });
  await openSignedIn(page, '/activity');
  const rows = page.getByRole('row');
  await expect(rows.nth(20)).toBeAttached();
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, 900);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(800);
  const link = rows.nth(18).getByRole('link').first();
  await link.scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => window.scrollY);
  expect(before).toBeGreaterThan(500);

  await link.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const there = await page.evaluate(() => window.scrollY);
  expect(there, 'another page begins at its top').toBe(0);
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'Activity' })).toBeAttached();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(before);
  // Longer than the page scrolls to where it was.
  await page.clock.runFor(3000);
  expect(await page.evaluate(() => window.scrollY), 'and stays there').toBe(before);
});

test('an address of nothing leads to a page that says so and leads on', async ({ page, server }) => {
  const { pipeline } = await seed(server);
  await openSignedIn(page, '/');
  const asked: string[] = [];
  page.on('request', (request) => request.url().endsWith('/graphql') && asked.push(request.postData() ?? ''));
  for (const [address, noun, list] of [
    ['/jobs/zzz', 'Job', 'All jobs'],
    ['/jobs/zzz/edit', 'Job', 'All jobs'],
    ['/jobs/zzz/runs/1', 'Run', 'All jobs'],
    ['/transfers/zzz', 'Transfer', 'All transfers'],
    ['/agents/zzz', 'Agent', 'All agents'],
    ['/customers/zzz', 'Customer', 'All customers'],
    ['/pipelines/Nightly%20orders', 'Pipeline', 'All pipelines'],
    [`/pipelines/${pipeline}/runs/zzz`, 'Run', 'All pipelines'],
    ['/jobs/00000000-0000-7000-8000-000000000000', 'Job', 'All jobs'],
  ]) {
    await test.step(address, async () => {
      await page.goto(address);
      await expect(page.getByRole('heading', { level: 1, name: `${noun} not found` })).toBeVisible();
      await expect(page.getByRole('main')).not.toContainText(/UUID|parse|invalid/i);
      await expect(page.getByRole('link', { name: list })).toBeVisible();
      await expectLive(page);
      await expectNothingFound(page);
    });
  }
  expect(asked.filter((body) => body.includes('zzz'))).toEqual([]);
  await page.getByRole('link', { name: 'All jobs' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Jobs' })).toBeVisible();
});

test('what a role withholds is said', async ({ page, server }) => {
  const { customer, job, openRun, transfer } = await seed(server);
  const headers = { authorization: `Bearer ${await server.token()}` };
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: customer }, headers);
  await page.goto(`/jobs/${job}/runs/${openRun}`);
  await signIn(page, USER);
  const heading = page.getByRole('heading', { level: 1, name: 'For administrators only' });
  await expect(heading).toBeVisible();
  for (const [address, text] of [
    [`/jobs/${job}/runs/${openRun}`, 'Only administrators see the runs of jobs'],
    ['/jobs/new', 'Only administrators create jobs'],
    ['/users', 'Only administrators see and change users'],
  ]) {
    await page.goto(address);
    await expect(heading).toBeVisible();
    await expect(page.getByText(text)).toBeVisible();
  }
  await expectNothingFound(page);
  for (const list of ['jobs', 'pipelines']) {
    await page.goto(`/${list}`);
    await expect(page.getByText(`Only administrators see how ${list} ran.`)).toBeVisible();
  }
  await page.goto('/transfers');
  await page.getByRole('link', { name: 'orders.csv' }).click();
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Only administrators see runs');
  await page.goto(`/transfers/${transfer}`);
  await expect(page.getByRole('region', { name: 'Details' })).not.toContainText('Only administrators');
});

test('a transfer of a job leads to the job and to the run', async ({ page, server }) => {
  const { job, openRun } = await seed(server);
  await openSignedIn(page, `/jobs/${job}/runs/${openRun}`);
  await page.getByRole('link', { name: 'orders.csv' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'orders.csv' })).toBeVisible();
  const details = page.getByRole('region', { name: 'Details' });
  await expect(details.getByRole('link', { name: 'Hourly orders' })).toHaveAttribute('href', `/jobs/${job}`);
  await details.getByRole('link', { name: 'Open run' }).click();
  await expect(page).toHaveURL(`/jobs/${job}/runs/${openRun}`);
});

test.describe('in a zone of its own', () => {
  test.use({ timezoneId: 'Asia/Kolkata' });

  test('the next run of a job has its day and its zone', async ({ page, server }) => {
    await seed(server);
    await openSignedIn(page, '/jobs');
    const row = page.getByRole('row').filter({ hasText: 'Hourly orders' });
    await expect(row).toContainText(/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d+ \w{3}(?: \d{4})?, \d\d:\d\d/);
    await expect(row).toContainText('UTC+5:30');
  });
});

test('the lists say which jobs and pipelines fail', async ({ page, server }) => {
  await seed(server);
  await openSignedIn(page, '/pipelines');
  const state = (name: string) => page.getByRole('row').filter({ hasText: name }).locator('.cell-status');
  await expect(state('Nightly orders'), 'its last run that has ended failed').toHaveText('Failing');
  await expect(state('Monthly archive')).toHaveText('Paused');
  await expectNothingFound(page);
  await page.goto('/jobs');
  await expect(state('Hourly orders'), 'one of its earlier runs failed').toHaveText('Active');
});

test('pages do not shift while they load', ALONE, async ({ page, server }) => {
  const { job, pipeline } = await seed(server);
  await page.clock.install();
  await noteShifts(page);
  const settle = settling(page);
  await delayAnswers(page);
  await openSignedIn(page, '/');
  await settle();
  for (const [address, heading] of [
    ['/', 'Overview'],
    [`/pipelines/${pipeline}`, 'Nightly orders'],
    [`/jobs/${job}`, 'Hourly orders'],
  ]) {
    await page.goto(address);
    await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
    await expectLive(page);
    await settle();
    // What is asked again for a gap, and what is shown later.
    await page.clock.runFor(3000);
    await settle();
    expect(await notedShift(page), address).toBeLessThanOrEqual(MOST_SHIFT);
  }
});

test('a wide graph opens fitted, is zoomed, and is moved with the keyboard', async ({ page, server }) => {
  const wide = Array.from({ length: 13 }, (_, index) => `  - { id: delete-${index}, type: delete, path: /data/${index} }`);
  wide.push('  - { id: copy, type: transfer }');
  const pipeline = await addPipeline(server, 'Wide', `source: /a\ndestination: /b\nsteps:\n${wide.join('\n')}\n`);
  await openSignedIn(page, `/pipelines/${pipeline}`);
  await expect(steps(page)).toHaveCount(14);
  const frame = page.getByRole('region', { name: /^Graph\./ });
  const overflow = () => frame.evaluate((element) => element.scrollWidth - element.clientWidth);
  expect(await overflow(), 'all of it is seen').toBeLessThanOrEqual(1);
  await expect(page.getByRole('button', { name: 'Fit' })).toBeDisabled();
  await expectNothingFound(page);

  for (let press = 0; press < 4; press++) await page.getByRole('button', { name: 'Zoom in' }).click();
  await expect.poll(overflow).toBeGreaterThan(200);
  await frame.focus();
  for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowRight');
  await expect.poll(() => frame.evaluate((element) => element.scrollLeft)).toBeGreaterThan(50);
  await page.keyboard.press('0');
  await expect.poll(overflow).toBeLessThanOrEqual(1);
  await page.keyboard.press('+');
  await expect(page.getByRole('button', { name: 'Fit' })).toBeEnabled();
});

test('the activity names who did what and why it failed, and shows a part of it', async ({ page, server }) => {
  await seed(server);
  await openSignedIn(page, '/activity');
  const rows = page.getByRole('row');
  const failed = rows.filter({ hasText: 'Transfer failed' });
  await page.getByRole('button', { name: 'Show older' }).click();
  await expect(failed).toContainText('connection reset by peer');
  await expect(failed.getByRole('link', { name: 'edge-lyon' })).toBeVisible();
  await expect(rows.filter({ hasText: 'Job run failed' })).toContainText('Run of Hourly orders');
  await expect(rows.filter({ hasText: 'Job run failed' })).toContainText('no space left on device');
  await expect(rows.filter({ hasText: 'Job created' }).first()).toContainText('admin@localhost');
  await expect(page.getByRole('main')).not.toContainText(/User\s…/);
  await expectNothingFound(page);

  await page.getByLabel('Show').selectOption('Failures');
  await expect(page).toHaveURL(/show=failures/);
  await expect(rows.filter({ hasText: 'Transfer started' })).toHaveCount(0);
  await expect(failed).toHaveCount(1);
  await expect(rows.filter({ hasText: 'Pipeline run failed' })).toHaveCount(1);
  await page.reload();
  await expect(failed).toHaveCount(1);
  await page.getByLabel('Show').selectOption('Administration');
  await expect(rows.filter({ hasText: 'Customer created' })).toContainText('Acme Logistics');
});
