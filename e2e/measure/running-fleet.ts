// Agents with running transfers that are reported at a rate.
import { Agent as Connections, request } from 'node:http';
import { addCustomer, SpokenAgent } from '../support/fleet';
import type { Server } from '../support/server';

/** How many transfers are created at once. */
const AT_ONCE = 32;
/** The time between two heartbeats of an agent, in milliseconds. */
const HEARTBEAT = 20_000;
/** The number of speeds that are reported in turn. Each is shown with the same three digits that were reported. */
const SPEEDS = 900;

/** A running transfer, and how often it was reported. */
export type Running = { id: string; key: string; reports: number };

/** A report: the transfer, the speed as pages show it, and when it was sent, in milliseconds since 1970. */
export type Report = { id: string; speed: string; sentAt: number };

export class RunningFleet {
  private readonly connections = new Connections({ keepAlive: true, maxSockets: 64 });
  private heartbeatAt = Date.now();

  private constructor(
    private readonly server: Server,
    private readonly agents: SpokenAgent[],
    readonly transfers: Running[],
  ) {}

  /** Agents that take turns to run `count` transfers. */
  static async create(server: Server, agentCount: number, count: number): Promise<RunningFleet> {
    const { code } = await addCustomer(server, 'Northwind Freight');
    const agents: SpokenAgent[] = [];
    for (let number = 0; number < agentCount; number++) {
      agents.push(await SpokenAgent.register(server, code, `depot-${number}`));
    }
    const transfers: Running[] = [];
    const create = async (number: number) => {
      const agent = agents[number % agents.length];
      const id = await agent.create(`consignments-${number}.csv`, 1e12);
      await agent.report(id, { status: 'running', bytesTransferred: 1e9, speed: 1e6 });
      transfers.push({ id, key: agent.key, reports: 0 });
    };
    for (let next = 0; next < count; next += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, count - next) }, (_, index) => next + index);
      await Promise.all(numbers.map(create));
    }
    return new RunningFleet(server, agents, transfers);
  }

  /** Reports about these transfers in turn, `perSecond` reports a second. Resolves when everything is answered. */
  async report(transfers: Running[], perSecond: number, seconds: number): Promise<Report[]> {
    const total = perSecond * seconds;
    const begin = performance.now();
    const reports: Report[] = [];
    const answers: Promise<void>[] = [];
    let failure: unknown;
    const note = (answer: Promise<unknown>) => answers.push(answer.then(() => {}, (error) => void (failure ??= error)));
    while (reports.length < total && !failure) {
      const due = Math.min(total, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1);
      while (reports.length < due) {
        const transfer = transfers[reports.length % transfers.length];
        const { body, speed } = next(transfer);
        reports.push({ id: transfer.id, speed, sentAt: Date.now() });
        note(this.patch(transfer, body));
      }
      if (Date.now() - this.heartbeatAt > HEARTBEAT) {
        this.heartbeatAt = Date.now();
        const heartbeat = { status: 'busy', load: 0.5, memory: 4096 };
        for (const agent of this.agents) note(agent.say('POST', '/api/agents/heartbeat', heartbeat));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(answers);
    if (failure) throw failure;
    return reports;
  }

  /** Closes the connections. */
  close(): void {
    this.connections.destroy();
  }

  private patch({ id, key }: Running, body: string): Promise<void> {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-api-key': key,
      prefer: 'return=minimal',
    };
    const options = { method: 'PATCH', agent: this.connections, headers };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.server.url}/api/transfers/${id}`, options, (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () =>
          answer.statusCode! < 300 ? resolve() : reject(new Error(`PATCH of ${id}: ${answer.statusCode}`)),
        );
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

/** The next report about a transfer: its body, and its speed as pages show it. */
function next(transfer: Running): { body: string; speed: string } {
  transfer.reports += 1;
  const hundredths = 100 + (transfer.reports % SPEEDS);
  const body = JSON.stringify({
    bytesTransferred: 1e9 * Math.min(999, 1 + transfer.reports),
    speed: hundredths * 10_000,
  });
  return { body, speed: `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')} MB/s` };
}
