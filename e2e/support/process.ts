// Child processes that end with the test.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

// A test that fails in its middle ends nothing itself, but its worker ends with it.
const atWork = new Set<ChildProcess>();
process.on('exit', () => atWork.forEach((child) => child.kill('SIGKILL')));

/** A running program. */
export class Program {
  private constructor(private readonly child: ChildProcess) {
    atWork.add(child);
    child.once('exit', () => atWork.delete(child));
  }

  /** Starts a program whose standard error goes to `log`, and waits for a line of its output that fits; the match. */
  static async start(
    file: string,
    args: string[],
    log: string,
    ready?: RegExp,
    variables: Record<string, string> = {},
  ): Promise<[Program, string[]]> {
    const env = { ...plainEnvironment(), ...variables };
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', openSync(log, 'a')], env });
    const program = new Program(child);
    const lines = createInterface({ input: child.stdout! });
    if (!ready) return [program, []];
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${file} ${args[0]} ended with ${code}; see ${log}`)));
      lines.on('line', (line) => {
        const match = line.match(ready);
        if (match) resolve([program, match]);
      });
    });
  }

  /** Waits for its end by itself; its exit code. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  /** Ends it with a signal and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await this.ended();
    }
  }
}

/** The most that a program may print, in bytes. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/** Runs a program to its end; what it printed. */
export async function run(file: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { env: plainEnvironment(), maxBuffer: MAX_OUTPUT });
  return stdout.trim();
}

/** How many ports each worker has. */
const PORTS = 1000;
/**
 * The first port of this worker. Below those that the system gives to connections, so that a server that was ended gets its
 * port again, whatever the other workers do meanwhile.
 */
const FIRST_PORT = 20_000 + PORTS * Number(process.env.TEST_PARALLEL_INDEX ?? 0);
let portsTaken = 0;

/** A port of this worker on which no process listens. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORTS; attempt++) {
    const port = FIRST_PORT + (portsTaken++ % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    // Rejects if there is an error first.
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Our environment without the settings of the person who started us. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isSetting = (name: string) => name.startsWith('MFTPLUS_') || name === 'DATABASE_URL' || name === 'REDIS_URL';
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)));
}
