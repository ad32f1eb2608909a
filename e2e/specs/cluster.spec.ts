import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Agent } from '../support/fleet';
import { freePort, Program } from '../support/process';
import { DATABASE_URL, REDIS_SERVER } from '../support/programs';
import { Server } from '../support/server';
import { ALONE, expect, expectLive, openSignedIn, shownValues, test as base, watchBar } from '../support/test';

/** A Redis that can be taken away. */
class Redis {
  private constructor(
    private readonly port: number,
    private readonly log: string,
    private program: Program,
  ) {}

  static async start(log: string): Promise<Redis> {
    const port = await freePort();
    return new Redis(port, log, await Redis.run(port, log));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  kill(): Promise<void> {
    return this.program.end('SIGKILL');
  }

  async restart(): Promise<void> {
    this.program = await Redis.run(this.port, this.log);
  }

  private static async run(port: number, log: string): Promise<Program> {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    return (await Program.start(REDIS_SERVER, args, log, /Ready to accept connections/))[0];
  }
}

/** Two servers on one PostgreSQL and one Redis; the page is on the first. */
const test = base.extend<{ redis: Redis; second: Server }>({
  redis: async ({}, use, info) => {
    const redis = await Redis.start(info.outputPath('redis.log'));
    await use(redis);
    await redis.kill();
  },
  server: async ({ redis }, use, info) => {
    const server = await Server.start(info.outputPath('first.log'), DATABASE_URL, ['--redis-url', redis.url]);
    await use(server);
    await server.stop();
  },
  second: async ({ redis, server }, use, info) => {
    const second = await Server.start(info.outputPath('second.log'), DATABASE_URL, ['--redis-url', redis.url]);
    expect(second.url).not.toBe(server.url);
    await use(second);
    await second.stop();
  },
});

test('a page on one server moves with what an agent tells another', ALONE, async ({ page, second }, info) => {
  const agent = await Agent.register(second, info.outputPath('agent.log'), 'cluster-1');
  await openSignedIn(page, '/');
  const copy = await agent.copy('over-there.bin', 80_000_000, 10_000_000);
  const bar = page.getByRole('progressbar', { name: 'Progress of over-there.bin' });
  await expect(bar).toBeVisible();
  await watchBar(bar);
  await expect(bar).toHaveAttribute('aria-valuenow', '100', { timeout: 60_000 });
  expect(new Set(await shownValues(page)).size).toBeGreaterThanOrEqual(5);
  expect(await copy.ended()).toBe(0);
});

test('a page converges though Redis goes away and comes back', ALONE, async ({ page, second, redis }, info) => {
  const agent = await Agent.register(second, info.outputPath('agent.log'), 'cluster-2');
  await openSignedIn(page, '/');
  const copy = await agent.copy('through-the-outage.bin', 120_000_000, 10_000_000);
  const bar = page.getByRole('progressbar', { name: 'Progress of through-the-outage.bin' });
  await expect(bar).toBeVisible();
  await watchBar(bar);
  await expect.poll(async () => Math.max(...(await shownValues(page)))).toBeGreaterThan(15);

  await redis.kill();
  const atOutage = Math.max(...(await shownValues(page)));
  // Without Redis nothing tells the first server; it notices by itself, and has the page ask again.
  await expect.poll(async () => Math.max(...(await shownValues(page)))).toBeGreaterThan(atOutage);
  await redis.restart();

  await expect(page.getByRole('row', { name: /through-the-outage\.bin/ })).toContainText('Completed', { timeout: 60_000 });
  await expect(bar).toHaveAttribute('aria-valuenow', '100');
  await expectLive(page);
  expect(await copy.ended()).toBe(0);
});

test('a run whose server is killed in its second step ends on the other, and an open page shows it', ALONE, async ({
  page,
  server,
  second,
}, info) => {
  // Started and driven by the second server; page and agent are on the first.
  const agent = await Agent.register(server, info.outputPath('agent.log'), 'cluster-3');
  const stays = await agent.stay(8_000_000);
  const folder = path.join(server.folder, 'steps');
  await mkdir(folder);
  const content = Buffer.alloc(64_000_000, 'second step\n');
  await writeFile(path.join(folder, 'small.bin'), 'first step');
  await writeFile(path.join(folder, 'large.bin'), content);
  const headers = { authorization: `Bearer ${await second.token()}` };
  const { agents } = await second.ask('{ agents(filter: { search: "cluster-3" }) { nodes { id } } }', {}, headers);
  const yaml = `source: ${folder}/small.bin
destination: ${folder}/copied/
agent: ${agents.nodes[0].id}
steps:
  - { id: first, type: transfer }
  - { id: second, type: transfer, needs: [first], source: ${folder}/large.bin }
  - { id: third, type: checksum, needs: [second], path: ${folder}/copied/large.bin }
`;
  const body = { identifier: `cluster-${Date.now()}`, name: 'Two servers', yaml };
  const { pipeline } = await second.send('POST', '/api/pipelines', body, headers);
  await openSignedIn(page, `/pipelines/${pipeline.id}`);
  const { run } = await second.send('POST', `/api/pipelines/${pipeline.id}/runs`, {}, headers);
  await page.goto(`/pipelines/${pipeline.id}/runs/${run.id}`);
  const state = (step: string) => page.locator(`#step-${step}`);
  await expect(state('first')).toHaveAttribute('data-status', 'Completed', { timeout: 30_000 });
  await expect(state('second')).toHaveAttribute('data-status', 'Running');
  await watchBar(page.getByRole('progressbar', { name: 'Progress of second' }));
  await second.kill();
  await expect(state('second')).toHaveAttribute('data-status', 'Completed', { timeout: 60_000 });
  await expect(state('third')).toHaveAttribute('data-status', 'Completed', { timeout: 30_000 });
  await expect(page.getByRole('main').getByText('Completed', { exact: true }).first()).toBeVisible();
  expect(new Set(await shownValues(page)).size, 'the bar went on moving').toBeGreaterThan(3);
  const attempts = page.getByRole('table', { name: 'Steps' }).locator('td[data-label="Attempt"]');
  await expect(attempts, 'no step was done twice').toHaveText(['1', '1', '1']);
  expect((await readFile(path.join(folder, 'copied', 'large.bin'))).equals(content)).toBe(true);
  await stays.end('SIGTERM');
});
