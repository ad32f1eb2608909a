// A reverse proxy in front of a server, below a path, with sockets.
import { createServer, request, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** Whether a proxy hands the path on without the part below which it serves. */
export type Handling = 'keeps the path' | 'strips the path';

/** Serves `http://127.0.0.1:{port}{base}` from the server at `target`; any other path is 404. */
export async function startProxy(port: number, base: string, target: URL, handling: Handling): Promise<HttpServer> {
  const forwarded = (message: IncomingMessage): string | undefined => {
    const url = message.url!;
    if (url !== base && !url.startsWith(`${base}/`)) return undefined;
    return handling === 'keeps the path' ? url : url.slice(base.length) || '/';
  };
  const proxy = createServer((incoming, outgoing) => {
    const path = forwarded(incoming);
    if (path === undefined) {
      outgoing.writeHead(404).end('not served here');
      return;
    }
    const { method, headers } = incoming;
    const onward = request({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  proxy.on('upgrade', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    const path = forwarded(incoming);
    if (path === undefined) {
      client.destroy();
      return;
    }
    const server = connect(Number(target.port), target.hostname, () => {
      const { rawHeaders } = incoming;
      const lines = rawHeaders.flatMap((name, index) => (index % 2 ? [] : [`${name}: ${rawHeaders[index + 1]}`]));
      server.write(`${incoming.method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      server.write(head);
      server.pipe(client).pipe(server);
    });
    const end = () => {
      client.destroy();
      server.destroy();
    };
    server.on('error', end).on('close', end);
    client.on('error', end).on('close', end);
  });
  proxy.listen(port, '127.0.0.1');
  await once(proxy, 'listening');
  return proxy;
}
