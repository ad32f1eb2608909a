// `test` with a server on which running transfers that are not reported for a while stay as they are.
import { Server } from '../support/server';
import { test as base } from '../support/test';

export const test = base.extend({
  server: async ({}, use, info) => {
    const flags = ['--stalled-after', '24h', '--lease', '24h'];
    const server = await Server.start(info.outputPath('server.log'), undefined, flags);
    await use(server);
    await server.stop();
  },
});
