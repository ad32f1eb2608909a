// Customers, agents and transfers: some made over the REST side, some by the real agent.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BINARY } from './place';
import { Program, run } from './process';
import type { Server } from './server';

/** An agent that exists for the server only: the test speaks for it. */
export class SpokenAgent {
  private constructor(
    private readonly server: Server,
    readonly id: string,
    readonly name: string,
    readonly key: string,
  ) {}

  static async register(server: Server, code: string, name: string): Promise<SpokenAgent> {
    const body = { name, hostname: `${name}.example.com`, os: 'linux', version: '0.1.0', customerIdentifier: code };
    const { agentId, agent, apiKey } = await server.send('POST', '/api/agents/register', body);
    const spoken = new SpokenAgent(server, agentId ?? agent.id, name, apiKey);
    await spoken.say('POST', '/api/agents/heartbeat', { status: 'online', load: 0.45, memory: 5120 });
    return spoken;
  }

  /** Creates a transfer, for a run of a job or on its own; its id. */
  async create(file: string, size: number, jobRunId?: string): Promise<string> {
    const { transfer } = await this.say('POST', '/api/transfers', {
      jobRunId,
      sourceUrl: `sftp://ftp.example.com/outgoing/${file}`,
      destinationPath: `/data/incoming/${file}`,
      direction: 'pull',
      protocol: 'sftp',
      size,
    });
    return transfer.id;
  }

  /** Reports on a transfer. */
  report(id: string, report: Record<string, unknown>): Promise<unknown> {
    return this.say('PATCH', `/api/transfers/${id}`, report);
  }

  /** Starts the run of a job that the server asks for next; its id. */
  async startRun(job: string): Promise<string> {
    const { directives } = await this.say('GET', '/api/agents/directives?wait=25');
    const start = directives.find((directive: any) => directive.type === 'startJob' && directive.payload.job.id === job);
    const { run } = await this.say('POST', `/api/jobs/${job}/runs`, { directiveId: start.id });
    return run.id;
  }

  /** Ends a run of a job. */
  endRun(job: string, run: string, report: Record<string, unknown>): Promise<unknown> {
    return this.say('PATCH', `/api/jobs/${job}/runs/${run}`, report);
  }

  /** Waits until the server asks for a step of a run of a pipeline. */
  async expectStep(run: string, step: string): Promise<void> {
    const isStep = ({ type, payload }: any) => type === 'runStep' && payload.runId === run && payload.step.id === step;
    for (let attempt = 0; attempt < 5; attempt++) {
      const { directives } = await this.say('GET', '/api/agents/directives?wait=5');
      if (directives.some(isStep)) return;
    }
    throw new Error(`no directive asked for ${step}`);
  }

  /** Reports on a step. */
  reportStep(pipeline: string, run: string, step: string, report: Record<string, unknown>): Promise<unknown> {
    return this.say('PATCH', `/api/pipelines/${pipeline}/runs/${run}/steps/${step}`, report);
  }

  say(method: string, address: string, body?: unknown): Promise<any> {
    return this.server.send(method, address, body, { 'x-api-key': this.key });
  }
}

/** A customer with an enrolment code. */
export async function addCustomer(server: Server, name: string): Promise<{ id: string; code: string }> {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const { customer } = await server.send('POST', '/api/customers', { name }, headers);
  const codes = `/api/customers/${customer.id}/enrolment-codes`;
  const { enrolmentCode } = await server.send('POST', codes, {}, headers);
  return { id: customer.id, code: enrolmentCode.code };
}

/** The real agent of a new customer, with its state beside the server's. */
export class Agent {
  private constructor(
    private readonly server: Server,
    private readonly state: string,
    private readonly log: string,
  ) {}

  static async register(server: Server, log: string, name: string): Promise<Agent> {
    const { code } = await addCustomer(server, `Customer of ${name}`);
    const agent = new Agent(server, path.join(server.folder, name), log);
    await run(BINARY, agent.command('register', '--code', code, '--name', name));
    return agent;
  }

  /** Gives it a configuration file, with the servers that it can sign in to. */
  configure(text: string): Promise<void> {
    // The agent refuses a file with a password that other users can read.
    return writeFile(path.join(this.state, 'mftplus-agent.toml'), text, { mode: 0o600 });
  }

  /** Makes a file of `size` bytes and begins to copy it at `rate` bytes a second. */
  async copy(file: string, size: number, rate: number): Promise<Program> {
    const source = path.join(this.server.folder, file);
    // Bytes, for holes are not copied and take no time.
    await writeFile(source, Buffer.alloc(size, 'moving '));
    const target = path.join(this.server.folder, 'copied', file);
    const args = this.command('copy', source, target, '--max-rate', `${rate / 1e6}MB/s`);
    const [program] = await Program.start(BINARY, args, this.log);
    return program;
  }

  /** Stays and does what the server asks for, with files in the server's folder, at `rate` bytes a second. */
  async stay(rate: number): Promise<Program> {
    const args = this.command('run', '--allow-dir', this.server.folder, '--max-rate', `${rate / 1e6}MB/s`);
    const [program] = await Program.start(BINARY, args, this.log);
    return program;
  }

  private command(...args: string[]): string[] {
    return ['agent', '--server', this.server.url, '--state-dir', this.state, ...args];
  }
}

/** Ids of what `seed` has made. */
export type Seeded = {
  customer: string;
  agent: string;
  transfer: string;
  /** A job with runs that ended well, one that failed, and one at work. */
  job: string;
  failedRun: string;
  openRun: string;
  /** A pipeline with two versions, a run that failed and one at work. */
  pipeline: string;
  failedPipelineRun: string;
  openPipelineRun: string;
};

/** A small fleet with a transfer in every state, jobs and pipelines. */
export async function seed(server: Server): Promise<Seeded> {
  const { id, code } = await addCustomer(server, 'Acme Logistics');
  const agents = [];
  for (const name of ['edge-berlin', 'edge-lyon', 'warehouse-7']) {
    agents.push(await SpokenAgent.register(server, code, name));
  }
  const [agent, other] = agents;
  await agent.create('tomorrow.csv', 4_000_000);
  const failed = await other.create('invoices-2026-10.tar', 90_000_000);
  await other.report(failed, { status: 'running', bytesTransferred: 1_000_000 });
  await other.report(failed, { status: 'failed', errorMessage: 'ftp.example.com: connection reset by peer' });
  const done = await other.create('orders.parquet', 72_000_000);
  await other.report(done, { status: 'running', bytesTransferred: 10_000_000 });
  await other.report(done, { status: 'completed', bytesTransferred: 72_000_000 });
  const second = await other.create('sensors.bin', 2_000_000_000);
  await other.report(second, { status: 'running', bytesTransferred: 120_000_000, speed: 8_400_000 });
  const transfer = await agent.create('warehouse-full-backup.dump', 640_000_000);
  await agent.report(transfer, { status: 'running', bytesTransferred: 288_000_000, speed: 24_500_000 });
  const jobs = await seedJobs(server, agent);
  return { customer: id, agent: agent.id, transfer, ...jobs, ...(await seedPipelines(server, other, id)) };
}

/** Jobs of an agent: one that has run each hour since the morning, one that is paused, one that has never run. */
async function seedJobs(server: Server, agent: SpokenAgent): Promise<Pick<Seeded, 'job' | 'failedRun' | 'openRun'>> {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const add = async (name: string, schedule: string, more: Record<string, unknown> = {}) => {
    const what = { sourcePath: '/data/outgoing', destinationPath: '/backup', protocol: 'local', direction: 'push' };
    const body = { agentId: agent.id, name, schedule, ...what, ...more };
    return (await server.send('POST', '/api/jobs', body, headers)).job.id;
  };
  await add('Month end', '0 0 1 * *');
  await add('Weekly archive of everything that the warehouse has collected', '0 3 * * sun', { enabled: false });
  const retry = { maxAttempts: 3, initialDelay: '1h' };
  const job = await add('Hourly orders', '0 * * * *', { timezone: 'Africa/Johannesburg', retry });
  const hours = 9;
  const range = { job, from: new Date(Date.now() - hours * 3_600_000), to: new Date() };
  const query = 'mutation ($job: ID!, $from: DateTime!, $to: DateTime!) { backfillJob(jobId: $job, from: $from, to: $to) { id } }';
  await server.ask(query, range, headers);
  let failedRun = '';
  for (let hour = 1; hour < hours; hour++) {
    const run = await agent.startRun(job);
    if (hour === hours - 3) {
      failedRun = run;
      await agent.endRun(job, run, { status: 'failed', errorMessage: 'cannot write /backup/orders.csv: no space left on device' });
    } else {
      await agent.endRun(job, run, { status: 'completed', bytesTransferred: 48_000_000 + hour });
    }
  }
  const openRun = await agent.startRun(job);
  const transfer = await agent.create('orders.csv', 64_000_000, openRun);
  await agent.report(transfer, { status: 'running', bytesTransferred: 24_000_000, speed: 6_200_000 });
  return { job, failedRun, openRun };
}

/** What the pipeline of a seeded fleet does; steps stand side by side, and there is one of each kind of line. */
const NIGHTLY = `# Orders of the day, to the warehouse.
source: sftp://ftp.example.com/exports/orders-\${{ params.date }}.csv
destination: /data/incoming/
agent: edge-lyon
schedule: "0 2 * * *"
timezone: Africa/Johannesburg
timeout: 2h
parameters: { date: "2026-11-25" }
steps:
  - { id: fetch, type: transfer, retry: { maxAttempts: 3, initialDelay: 30s } }
  - { id: checksum, type: checksum, needs: [fetch], path: /data/incoming/orders.csv }
  - { id: pack, type: compress, needs: [fetch], path: /data/incoming/orders.csv, format: zstd }
  - { id: archive, type: rename, needs: [checksum, pack], from: /data/incoming/orders.csv, to: /data/archive/orders.csv }
  - { id: clean-up, type: delete, needs: [archive], when: failure, path: /data/incoming/orders.csv }
  - { id: tell, type: webhook, needs: [archive], when: always, url: "http://127.0.0.1:9/hook" }
`;

/** Pipelines of a customer: one that has run twice, one that is paused. */
async function seedPipelines(
  server: Server,
  agent: SpokenAgent,
  customerId: string,
): Promise<Pick<Seeded, 'pipeline' | 'failedPipelineRun' | 'openPipelineRun'>> {
  const headers = { authorization: `Bearer ${await server.token()}` };
  const add = async (identifier: string, name: string, yaml: string, more: Record<string, unknown> = {}) => {
    const body = { identifier, name, yaml, customerId, ...more };
    return (await server.send('POST', '/api/pipelines', body, headers)).pipeline.id;
  };
  const description = 'Everything that the warehouse has collected in a month, packed';
  const monthly = 'source: /data/month/\ndestination: /backup/\nagent: edge-berlin\n';
  await add('monthly-archive', 'Monthly archive', monthly, { enabled: false, description });
  const pipeline = await add('nightly-orders', 'Nightly orders', NIGHTLY.replace('timeout: 2h\n', ''));
  await server.send('PUT', `/api/pipelines/${pipeline}/yaml`, { yaml: NIGHTLY }, headers);
  const start = async (parameters: Record<string, string> = {}) =>
    (await server.send('POST', `/api/pipelines/${pipeline}/runs`, { parameters }, headers)).run.id;
  const report = async (run: string, step: string, report: Record<string, unknown>) => {
    await agent.expectStep(run, step);
    await agent.reportStep(pipeline, run, step, { attempt: 1, ...report });
  };
  const failedPipelineRun = await start({ date: '2026-11-24' });
  await report(failedPipelineRun, 'fetch', { status: 'completed', bytesTransferred: 48_000_000 });
  await report(failedPipelineRun, 'pack', { status: 'completed', bytesTransferred: 12_000_000 });
  const errorMessage = 'the SHA-256 of /data/incoming/orders.csv is not the one that was expected';
  await report(failedPipelineRun, 'checksum', { status: 'failed', errorMessage });
  await report(failedPipelineRun, 'clean-up', { status: 'completed' });
  const openPipelineRun = await start();
  await report(openPipelineRun, 'fetch', { status: 'running', progress: 37.5, bytesTransferred: 24_000_000 });
  return { pipeline, failedPipelineRun, openPipelineRun };
}
