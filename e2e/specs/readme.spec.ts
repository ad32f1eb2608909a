import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, test } from '../support/test';

/** Where the packages are that the README has one install. */
const E2E = path.join(import.meta.dirname, '..');

test('the subscription of the README runs as it stands', async ({ server }) => {
  const { id, code } = await addCustomer(server, 'Acme');
  await server.run('user', 'add', 'ops@acme.example', '--role', 'customer', '--customer', id);
  const token = await server.run('token', 'ops@acme.example');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const transfer = await agent.create('orders.csv', 1000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 250 });

  const program = spawn(process.execPath, ['--input-type=module'], {
    cwd: E2E,
    // Playwright asks for colours, which would stand between the words that are looked for.
    env: { ...process.env, FORCE_COLOR: '0', TOKEN: token },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  program.stdout.on('data', (text) => (printed += text));
  program.stdin.end(await subscription(server));
  try {
    await expect.poll(() => printed, 'what was there before').toMatch(/orders\.csv[^}]*'RUNNING'[^}]*progress: 25\b/);
    await agent.report(transfer, { bytesTransferred: 500 });
    await expect.poll(() => printed).toMatch(/progress: 50\b/);
    await agent.report(transfer, { status: 'completed', bytesTransferred: 1000 });
    await expect.poll(() => printed).toMatch(/'COMPLETED'[^}]*progress: 100\b/);
  } finally {
    program.kill();
  }
});

/** The one program in the README, for this server instead of the reader's own. */
async function subscription(server: Server): Promise<string> {
  const readme = await readFile(path.join(E2E, '..', 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
  expect(blocks).toHaveLength(1);
  expect(blocks[0]).toContain('127.0.0.1:8080');
  return blocks[0].replace('127.0.0.1:8080', new URL(server.url).host);
}
