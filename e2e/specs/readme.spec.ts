import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, test } from '../support/test';

/** Where the packages are that the documentation has one install. */
const E2E = path.join(import.meta.dirname, '..');
const USER = { email: 'ops@acme.example', password: 'acme has a long one' };

test('the subscription of the documentation runs as it stands, also across stops of the server', async ({ server }) => {
  const { agent, transfer } = await begin(server);
  const token = await server.run('token', USER.email);
  const [program, printed] = run((await programs(server))[0], { TOKEN: token });
  try {
    await expect.poll(printed, 'what was there before').toMatch(/orders\.csv[^}]*'RUNNING'[^}]*progress: 25\b/);
    await agent.report(transfer, { bytesTransferred: 500 });
    await expect.poll(printed).toMatch(/progress: 50\b/);
    // It comes back after each way in which a server stops.
    for (const [signal, bytes] of [['SIGTERM', 600], ['SIGKILL', 700]] as const) {
      await server.end(signal);
      await server.restart();
      await agent.report(transfer, { bytesTransferred: bytes });
      await expect.poll(printed, `after ${signal}`).toMatch(new RegExp(`progress: ${bytes / 10}\\b`));
    }
    await agent.report(transfer, { status: 'completed', bytesTransferred: 1000 });
    await expect.poll(printed).toMatch(/'COMPLETED'[^}]*progress: 100\b/);
    expect(program.exitCode).toBe(null);
  } finally {
    program.kill();
  }
});

test('the client of the documentation that stays renews its token', async ({ server }) => {
  const { agent, transfer } = await begin(server);
  // Of the hour that a token works, all but a second counts as its end.
  const text = (await programs(server))[1].replace('60_000', '3_599_000');
  const [program, printed] = run(text, { EMAIL: USER.email, PASSWORD: USER.password });
  try {
    await expect.poll(printed).toMatch(/progress: 25\b/);
    await expect.poll(() => signIns(server)).toBeGreaterThan(1);
    await agent.report(transfer, { bytesTransferred: 500 });
    await expect.poll(printed).toMatch(/progress: 50\b/);
    expect(program.exitCode).toBe(null);
  } finally {
    program.kill();
  }
});

/** A customer with a user, an agent and a transfer that is at 25 %. */
async function begin(server: Server): Promise<{ agent: SpokenAgent; transfer: string }> {
  const { id, code } = await addCustomer(server, 'Acme');
  const authorization = `Bearer ${await server.token()}`;
  await server.send('POST', '/api/users', { ...USER, role: 'customer', customerId: id }, { authorization });
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfer = await agent.create('orders.csv', 1000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 250 });
  return { agent, transfer };
}

/** How often the customer's user has signed in. */
async function signIns(server: Server): Promise<number> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await server.token()}` },
    body: JSON.stringify({ query: '{ events(first: 100) { nodes { kind object { ... on User { email } } } } }' }),
  });
  const { data } = await response.json();
  const nodes: { kind: string; object: { email?: string } }[] = data.events.nodes;
  return nodes.filter(({ kind, object }) => kind === 'SIGNED_IN' && object.email === USER.email).length;
}

/** Runs a program; what it has printed so far. */
function run(text: string, settings: object): [ChildProcess, () => string] {
  const program = spawn(process.execPath, ['--input-type=module'], {
    cwd: E2E,
    // Playwright asks for colours, which would stand between the words that are looked for.
    env: { ...process.env, FORCE_COLOR: '0', ...settings },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  program.stdout!.on('data', (chunk) => (printed += chunk));
  program.stdin!.end(text);
  return [program, () => printed];
}

/** The two programs in docs/graphql.md, for this server instead of the reader's own. */
async function programs(server: Server): Promise<string[]> {
  const page = await readFile(path.join(E2E, '..', 'docs', 'graphql.md'), 'utf8');
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
  expect(blocks).toHaveLength(2);
  return blocks.map((block) => {
    expect(block).toContain('127.0.0.1:8080');
    return block.replace('127.0.0.1:8080', new URL(server.url).host);
  });
}
