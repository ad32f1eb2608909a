// Lists agents and failed transfers. Every path, parameter and field is checked against the types of `api.d.ts`, which
// openapi-typescript generates from the OpenAPI document of the server: see ../README.md.
import type { paths } from './api.js';

declare const process: { env: Record<string, string | undefined>; exitCode?: number };

type Get<Path extends keyof paths> = paths[Path] extends { get: infer Operation } ? Operation : never;
type Query<Path extends keyof paths> =
  Get<Path> extends { parameters: { query?: infer Parameters } } ? Parameters : never;
type Data<Path extends keyof paths> =
  Get<Path> extends { responses: { 200: { content: { 'application/json': { data: infer Answer } } } } } ? Answer : never;

const { MFTPLUS_SERVER = 'http://127.0.0.1:8080', MFTPLUS_TOKEN } = process.env;

async function get<Path extends keyof paths & string>(path: Path, query: Query<Path>): Promise<Data<Path>> {
  const url = `${MFTPLUS_SERVER}${path}?${new URLSearchParams(query as Record<string, string>)}`;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${MFTPLUS_TOKEN}` } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${body.error}`);
  return body.data;
}

async function main(): Promise<void> {
  if (!MFTPLUS_TOKEN) throw new Error('MFTPLUS_TOKEN is needed: an access token, as `POST /api/auth/login` gives it');
  const { agents } = await get('/api/agents', { limit: 100 });
  for (const { name, hostname, status, lastHeartbeat } of agents) {
    console.log(`${name ?? hostname}: ${status}, last heartbeat ${lastHeartbeat}`);
  }
  const { transfers, pagination } = await get('/api/transfers', { status: 'failed', limit: 20 });
  console.log(`Failed transfers (${transfers.length} of ${pagination.total}):`);
  for (const { source, destination, errorMessage } of transfers) {
    console.log(`${source} -> ${destination}: ${errorMessage ?? 'no reason reported'}`);
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
