// A server as a process of its own, and the programs beside it.
import { rmSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BINARY } from './place';
import { freePort, Program, run } from './process';

/** The administrator that every server begins with. */
export const ADMIN = { email: 'admin@localhost', password: 'correct horse battery' };

/** The data folder of a server that was started once: with its tables and its administrator. One for each worker. */
let prepared: Promise<string> | undefined;

/** A server. With `database`, on a PostgreSQL that others may share; else on SQLite in a folder of its own. */
export class Server {
  private adminToken: Promise<string> | undefined;

  private constructor(
    readonly url: string,
    /** Where this test may keep files. */
    readonly folder: string,
    private readonly log: string,
    private readonly database: string[],
    private readonly flags: string[],
    private program: Program,
  ) {}

  static async start(log: string, database?: string, flags: string[] = []): Promise<Server> {
    const folder = await mkdtemp(path.join(tmpdir(), 'mftplus-e2e-'));
    const data = path.join(folder, 'data');
    if (!database) await cp(await (prepared ??= prepare(log)), data, { recursive: true });
    const place = ['--data-dir', data, ...(database ? ['--database-url', database] : [])];
    const [program, url] = await serve(`127.0.0.1:${await freePort()}`, [...place, ...flags], log, clockFile(folder));
    return new Server(url, folder, log, place, flags, program);
  }

  /** `kill -9`. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** Ends it with a signal. */
  end(signal: NodeJS.Signals): Promise<void> {
    return this.program.end(signal);
  }

  /** Starts it again where it was. */
  async restart(): Promise<void> {
    const flags = [...this.database, ...this.flags];
    [this.program] = await serve(new URL(this.url).host, flags, this.log, clockFile(this.folder));
  }

  /** Moves its clock forward to this time; the server notices it a moment later. */
  async moveClockTo(time: Date): Promise<void> {
    // The server reads the file all the time, so it is put in its place as a whole.
    const file = clockFile(this.folder);
    await writeFile(`${file}.new`, String(time.getTime() - Date.now()));
    await rename(`${file}.new`, file);
  }

  /** Stops it and removes its folder. */
  async stop(): Promise<void> {
    await this.program.end('SIGTERM');
    await rm(this.folder, { recursive: true });
  }

  /** Runs a command of the binary on the server's database; what it printed. */
  run(...args: string[]): Promise<string> {
    return run(BINARY, [...args, ...this.database]);
  }

  /** An access token of the administrator, which works for an hour. */
  token(): Promise<string> {
    return (this.adminToken ??= this.run('token', ADMIN.email));
  }

  /** Asks GraphQL; the data of the answer. */
  async ask(query: string, variables: Record<string, unknown>, headers: Record<string, string>): Promise<any> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Sends a JSON body to the REST side; the data of the answer. */
  async send(method: string, address: string, body: unknown, headers: Record<string, string> = {}): Promise<any> {
    const response = await fetch(`${this.url}${address}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${JSON.stringify(answer)}`);
    return answer.data;
  }
}

/** Starts a server and stops it; its data folder. */
async function prepare(log: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mftplus-e2e-prepared-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const data = path.join(folder, 'data');
  const [program] = await serve(`127.0.0.1:${await freePort()}`, ['--data-dir', data], log, clockFile(folder));
  await program.end('SIGTERM');
  return data;
}

/** The file that moves the clock of the server with this folder. */
function clockFile(folder: string): string {
  return path.join(folder, 'clock');
}

async function serve(listen: string, flags: string[], log: string, clock: string): Promise<[Program, string]> {
  const settings = ['--metrics-listen', '127.0.0.1:0', '--log', 'info', '--rate-limits', 'off'];
  const args = ['serve', '--listen', listen, ...settings, '--admin-password', ADMIN.password, ...flags];
  const ready = /(http:\/\/[^,\s]+)/;
  const [program, match] = await Program.start(BINARY, args, log, ready, { MFTPLUS_TEST_CLOCK: clock });
  return [program, match[1]];
}
