// The examples that customers copy, as they stand.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { addCustomer, SpokenAgent } from '../support/fleet';
import { BINARY } from '../support/place';
import { run } from '../support/process';
import { PYTHON } from '../support/programs';
import { expect, test as base } from '../support/test';

const EXAMPLES = path.join(import.meta.dirname, '../../examples');
const BIN = path.join(import.meta.dirname, '../node_modules/.bin');
const exec = promisify(execFile);

/** With a folder that goes away. */
const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mftplus-examples-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

for (const [program, example] of [
  ['sh', 'agent-minimal.sh'],
  ['sh', 'agent-curl.sh'],
  [process.execPath, 'node/agent.mjs'],
  [path.join(PYTHON, 'python'), 'python/agent.py'],
]) {
  test(`${example} registers an agent, copies a file and reports it`, async ({ server, folder }) => {
    const { code } = await addCustomer(server, 'Acme');
    await writeFile(path.join(folder, 'orders.csv'), 'a,b\n1,2\n');
    const settings = { MFTPLUS_SERVER: server.url, MFTPLUS_ENROLMENT_CODE: code, MFTPLUS_KEY_FILE: './agent.key' };
    const args = [path.join(EXAMPLES, example), 'orders.csv', 'copy-of-orders.csv'];
    const { stdout } = await exec(program, args, { cwd: folder, env: { ...process.env, ...settings } });
    expect(stdout).toMatch(/^transfer [0-9a-f-]{36}: completed$/m);
    expect(await readFile(path.join(folder, 'copy-of-orders.csv'), 'utf8')).toBe('a,b\n1,2\n');
    const headers = { authorization: `Bearer ${await server.token()}` };
    const { transfers } = await server.ask('{ transfers(first: 10) { nodes { status destination } } }', {}, headers);
    const destination = expect.stringMatching(/\/copy-of-orders\.csv$/);
    expect(transfers.nodes).toEqual([{ status: 'COMPLETED', destination }]);
  });
}

test('the typed client compiles, and lists agents and failed transfers', async ({ server, folder }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfer = await agent.create('orders.csv', 1000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 10 });
  await agent.report(transfer, { status: 'failed', errorMessage: 'the disk is full' });

  for (const name of ['fleet.mts', 'tsconfig.json']) {
    await cp(path.join(EXAMPLES, 'typescript', name), path.join(folder, name));
  }
  await writeFile(path.join(folder, 'openapi.json'), await run(BINARY, ['openapi', '--json']));
  await exec(path.join(BIN, 'openapi-typescript'), ['openapi.json', '--output', 'api.d.ts'], { cwd: folder });
  const { stdout: problems } = await exec(path.join(BIN, 'tsc'), [], { cwd: folder }).catch((error) => error);
  expect(problems).toBe('');
  const settings = { MFTPLUS_SERVER: server.url, MFTPLUS_TOKEN: await server.token() };
  const env = { ...process.env, ...settings };
  const { stdout } = await exec(process.execPath, ['fleet.mjs'], { cwd: folder, env });
  expect(stdout).toMatch(/^edge-1: \w+, last heartbeat /m);
  expect(stdout).toContain('Failed transfers (1 of 1):');
  expect(stdout).toContain('/data/incoming/orders.csv: the disk is full');
});
