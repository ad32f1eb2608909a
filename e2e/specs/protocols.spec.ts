import { serverAudits } from 'graphql-http';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';
import { expect, test } from '../support/test';

test('all audits of graphql-http pass', async ({ server }) => {
  const authorization = `Bearer ${await server.token()}`;
  const fetchFn = (url: string, init?: RequestInit) =>
    fetch(url, { ...init, headers: { authorization, ...(init?.headers as Record<string, string>) } });
  const audits = serverAudits({ url: `${server.url}/graphql`, fetchFn });
  expect(audits).toHaveLength(61);
  const failed: string[] = [];
  for (const audit of audits) {
    const result = await audit.fn();
    if (result.status !== 'ok') failed.push(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
  }
  expect(failed).toEqual([]);
});

test('graphql-ws subscribes, unsubscribes, and survives a restart of the server', async ({ server }) => {
  const { code } = await addCustomer(server, 'Acme');
  const agent = await SpokenAgent.register(server, code, 'edge-1');
  const id = await agent.create('orders.csv', 1000);
  const token = await server.token();
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql/ws`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 20,
    shouldRetry: () => true,
  });
  const { seen, unsubscribe } = await watch(client, id);

  await agent.report(id, { status: 'running', bytesTransferred: 100 });
  await expect.poll(() => seen.at(-1)).toBe(10);

  const reconnected = new Promise<void>((resolve) => client.on('connected', (_socket, _payload, again) => again && resolve()));
  await server.kill();
  await server.restart();
  await reconnected;
  // Nothing says when the subscription is there again: a report after each look makes sure that one comes later.
  let bytes = 100;
  await expect
    .poll(async () => {
      bytes += 10;
      await agent.report(id, { bytesTransferred: bytes });
      return seen.at(-1);
    })
    .toBeGreaterThan(10);

  unsubscribe();
  const quiet = await watch(client, id);
  const before = seen.length;
  await agent.report(id, { status: 'completed', bytesTransferred: 1000 });
  await expect.poll(() => quiet.seen.at(-1)).toBe(100);
  expect(seen, 'nothing after unsubscribing').toHaveLength(before);
  await client.dispose();
});

test('an invalid token closes the socket with 4403', async ({ server }) => {
  const closed = await closeCode(server, { Authorization: 'Bearer nonsense' });
  expect(closed).toBe(4403);
});

/** Watches a transfer's progress; what has been seen so far, once the subscription surely runs. */
async function watch(client: Client, id: string): Promise<{ seen: number[]; unsubscribe: () => void }> {
  const seen: number[] = [];
  let begun = () => {};
  const first = new Promise<void>((resolve) => (begun = resolve));
  const unsubscribe = client.subscribe<{ transferUpdated: { transfer: { progress: number } | null } }>(
    {
      query: 'subscription ($id: ID!) { transferUpdated(ids: [$id], initial: true) { resync transfer { progress } } }',
      variables: { id },
    },
    {
      next: ({ data }) => {
        const transfer = data?.transferUpdated.transfer;
        if (transfer) seen.push(transfer.progress);
        begun();
      },
      error: (error) => {
        throw error;
      },
      complete: () => {},
    },
  );
  await first;
  return { seen, unsubscribe };
}

/** With what code a socket is closed after its first message. */
function closeCode(server: Server, payload: unknown): Promise<number> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql/ws`, 'graphql-transport-ws');
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
  return new Promise((resolve, reject) => {
    socket.on('close', resolve);
    socket.on('error', reject);
  });
}
