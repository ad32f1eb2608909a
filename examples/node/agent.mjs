#!/usr/bin/env node
// An MFTPlus agent for Node.js 20 or newer, without packages: copies one file and reports the transfer.
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const USAGE = `Usage: agent.mjs SOURCE DESTINATION
  MFTPLUS_SERVER          URL of the server (default: http://127.0.0.1:8080)
  MFTPLUS_KEY_FILE        file for the API key, written by the registration (default: ./agent.key)
  MFTPLUS_ENROLMENT_CODE  enrolment code, needed until the agent is registered`;
const { MFTPLUS_SERVER = 'http://127.0.0.1:8080', MFTPLUS_KEY_FILE = './agent.key' } = process.env;
const { MFTPLUS_ENROLMENT_CODE } = process.env;
const HEARTBEAT_MS = 30_000;
const REPORT_MS = 1_000;
const CHUNK_BYTES = 1024 * 1024;

class Cancelled extends Error {}

/** Sends a request and returns `data` of the answer. Repeats what may succeed later: 429, 503, no connection. */
async function call(method, path, body, headers = {}, attempts = 5) {
  for (let attempt = 1; ; attempt += 1) {
    let seconds = 2 ** attempt;
    try {
      const answer = await fetch(MFTPLUS_SERVER.replace(/\/$/, '') + path, {
        method,
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      });
      if (answer.ok) return (await answer.json()).data;
      const error = new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      if (![429, 503].includes(answer.status)) throw Object.assign(error, { final: true });
      seconds = Number(answer.headers.get('Retry-After') ?? seconds);
      throw error;
    } catch (error) {
      if (error.final || attempt >= attempts) throw error;
    }
    await sleep(seconds * 1_000);
  }
}

/** Reads the API key; without one, registers the agent. No other answer contains the key. */
async function apiKey() {
  const stored = await readFile(MFTPLUS_KEY_FILE, 'ascii').catch(() => '');
  if (stored) return stored.trim();
  if (!MFTPLUS_ENROLMENT_CODE) throw new Error('MFTPLUS_ENROLMENT_CODE is needed to register the agent');
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const agent = { hostname: hostname(), os, customerIdentifier: MFTPLUS_ENROLMENT_CODE };
  // Not repeated: each registration creates an agent and uses up the code.
  const { apiKey: key } = await call('POST', '/api/agents/register', agent, {}, 1);
  await writeFile(MFTPLUS_KEY_FILE, `${key}\n`, { mode: 0o600 });
  return key;
}

/** Copies the file, calls `onProgress` with the bytes copied so far, and returns its SHA-256. */
async function copy(source, part, onProgress) {
  const digest = createHash('sha256');
  const reader = await open(source);
  try {
    const writer = await open(part, 'w');
    try {
      let copied = 0;
      for await (const chunk of reader.createReadStream({ highWaterMark: CHUNK_BYTES })) {
        await writer.writeFile(chunk);
        digest.update(chunk);
        copied += chunk.length;
        await onProgress(copied);
      }
      await writer.sync();
    } finally {
      await writer.close();
    }
  } finally {
    await reader.close();
  }
  return digest.digest('hex');
}

async function run(source, destination) {
  const auth = { 'X-API-Key': await apiKey() };
  const heartbeat = () => call('POST', '/api/agents/heartbeat', {}, auth);
  await heartbeat();
  const beat = setInterval(() => heartbeat().catch((error) => console.error(error.message)), HEARTBEAT_MS);
  const { transfer } = await call(
    'POST',
    '/api/transfers',
    {
      sourceUrl: resolve(source),
      destinationPath: resolve(destination),
      direction: 'push',
      protocol: 'local',
      size: (await stat(source)).size,
    },
    { ...auth, 'Idempotency-Key': randomUUID() }, // A repeated request creates no second transfer.
  );
  const report = (body, attempts) => call('PATCH', `/api/transfers/${transfer.id}`, body, auth, attempts);

  let reportedAt = 0;
  const onProgress = async (bytesTransferred) => {
    if (Date.now() - reportedAt < REPORT_MS) return;
    reportedAt = Date.now();
    const answer = await report({ status: 'running', bytesTransferred }, 1).catch((error) => {
      console.error(`${error.message}: the copy goes on without the server`);
    });
    const isCancel = ({ type, payload }) => type === 'cancelTransfer' && payload.transferId === transfer.id;
    if (answer?.directives.some(isCancel)) throw new Cancelled();
  };

  const part = `${destination}.part`;
  let outcome;
  try {
    outcome = { status: 'completed', checksumSha256: await copy(source, part, onProgress) };
    await rename(part, destination);
  } catch (error) {
    outcome = error instanceof Cancelled ? { status: 'cancelled' } : { status: 'failed', error: error.message };
    await rm(part, { force: true });
  }
  clearInterval(beat);
  await report(outcome);
  console.log(`transfer ${transfer.id}: ${outcome.status}`);
  return outcome.status === 'completed';
}

const [source, destination, ...others] = process.argv.slice(2);
if (!destination || others.length > 0) {
  console.error(USAGE);
  process.exit(2);
}
try {
  process.exitCode = (await run(source, destination)) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
