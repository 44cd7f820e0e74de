/**
 * A TCP proxy that harms what passes: an HTTP CONNECT proxy, so that every connection of a client (API, identity, blobs) goes
 * through it when the client is told so by environment (`proxyEnvironment`). Each connection gets the next fault of a list.
 *
 *     none                     passes all
 *     cut-up, cut-down         ends the connection after so many bytes towards the server, or back
 *     stall-down               passes so many bytes back, then nothing for a while, then ends it: half open, for a client
 *     garble-down              flips a bit of the byte at that place of what comes back
 *     refuse                   ends the connection before anything
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface Fault {
  readonly kind: 'none' | 'cut-up' | 'cut-down' | 'stall-down' | 'garble-down' | 'refuse';
  /** Bytes that pass unharmed. */
  readonly after: number;
}

export interface FaultProxy {
  readonly port: number;
  /** Connections so far that a fault was done to. */
  readonly harmed: () => number;
  close(): void;
}

const stallMs = 300;
const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** The head of a CONNECT request and what came behind it. Undefined when the client went away. */
async function readHead(client: Socket): Promise<{ host: string; port: number; rest: Buffer } | undefined> {
  let bytes = Buffer.alloc(0);
  for await (const piece of client.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) continue;
    const target = /^CONNECT ([^:\s]+):(\d+) /.exec(bytes.toString('latin1', 0, end));
    if (target === null) return undefined;
    return { host: target[1]!, port: Number(target[2]), rest: bytes.subarray(end + 4) };
  }
  return undefined;
}

/** Passes bytes on until `after` of them have; then does `harm` with what comes, once. */
function pass(from: Socket, to: Socket, after: number, harm: (piece: Buffer, at: number) => void): void {
  let passed = 0;
  from.on('data', (piece: Buffer) => {
    const at = after - passed;
    passed += piece.length;
    if (at >= 0 && at < piece.length) harm(piece, at);
    else if (!to.destroyed && !to.write(piece)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.on('end', () => to.end());
}

function end(...sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

async function serve(client: Socket, { kind, after }: Fault, noteHarm: () => void): Promise<void> {
  const target = kind === 'refuse' ? undefined : await readHead(client);
  if (target === undefined) {
    if (kind === 'refuse') noteHarm();
    return end(client);
  }
  const server = connect(target.port, target.host);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const)
    one.on('error', () => end(one, other)).on('close', () => other.destroy());
  await once(server, 'connect');
  client.write(established);
  server.write(target.rest);
  const never = Number.POSITIVE_INFINITY;
  const cut = (to: Socket) => (piece: Buffer, at: number) => {
    noteHarm();
    to.write(piece.subarray(0, at), () => end(client, server));
  };
  const stall = (piece: Buffer, at: number) => {
    noteHarm();
    server.pause();
    client.write(piece.subarray(0, at));
    setTimeout(() => end(client, server), stallMs);
  };
  const garble = (piece: Buffer, at: number) => {
    noteHarm();
    piece[at]! ^= 1;
    client.write(piece);
  };
  pass(client, server, kind === 'cut-up' ? after : never, cut(server));
  const down = { 'cut-down': cut(client), 'stall-down': stall, 'garble-down': garble }[kind as string];
  pass(server, client, down === undefined ? never : after, down ?? garble);
}

/** Starts one on a free port of this machine. `next` gives the fault of each new connection. */
export async function startFaultProxy(next: () => Fault): Promise<FaultProxy> {
  let harmed = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => client.destroy()).on('close', () => open.delete(client));
    serve(client, next(), () => harmed++).catch(() => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    harmed: () => harmed,
    close: () => {
      server.close();
      end(...open);
    },
  };
}

/** Makes a Node process send all its fetches through the proxy. */
export function proxyEnvironment({ port }: FaultProxy): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${port}`;
  return { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: '', no_proxy: '' };
}
