import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type Server, createServer } from 'node:net';

/** Below the ports that systems hand out to outgoing connections, which could take one between our look and our use. */
const lowest = 20_000;
const highest = 32_000;
const triesMax = 200;

async function tryListen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function areFree(host: string, ports: readonly number[]): Promise<boolean> {
  const servers = await Promise.all(ports.map((port) => tryListen(host, port)));
  const open = servers.filter((server) => server !== undefined);
  await Promise.all(open.map((server) => new Promise((resolve) => server.close(resolve))));
  return open.length === ports.length;
}

/**
 * The first of `count` consecutive ports that were free on this host a moment ago: consecutive, so that a stack that is
 * started again with the first of them has all of them as before. Throws when it finds none.
 */
export async function findFreePorts(host: string, count: number): Promise<number> {
  for (let n = 0; n < triesMax; n++) {
    const first = randomInt(lowest, highest);
    if (
      await areFree(
        host,
        Array.from({ length: count }, (_, i) => first + i),
      )
    )
      return first;
  }
  throw new Error(`no ${count} consecutive free ports were found on ${host}; name one with --port`);
}
