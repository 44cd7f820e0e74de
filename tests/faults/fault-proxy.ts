/**
 * A TCP proxy that harms what passes: an HTTP CONNECT proxy, so that every connection of a client (API, identity, blobs) goes
 * through it when the client is told so by environment (`proxyEnvironment`). Each connection gets the next fault of a list.
 *
 *     none                     passes all
 *     cut-up, cut-down         ends the connection after so many bytes towards the server, or back
 *     stall-down               passes so many bytes back, then nothing for a while, then ends it: half open, for a client
 *     garble-down              flips a bit of the byte at that place of what comes back
 *     hold-down                passes so many bytes back; the rest when `until` says so
 *     refuse                   ends the connection before anything passes
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface Fault {
  readonly kind: 'none' | 'cut-up' | 'cut-down' | 'stall-down' | 'garble-down' | 'hold-down' | 'refuse';
  /** Bytes that pass unharmed. */
  readonly after: number;
  /** With `hold-down`: called when there is something to hold. */
  readonly until?: () => Promise<void>;
}

export interface FaultProxy {
  readonly port: number;
  /** Connections so far that a fault was done to. */
  readonly harmed: () => number;
  /** Bytes that were passed on so far towards a port. */
  readonly sentTo: (port: number) => number;
  /** As sentTo, for what came back. */
  readonly receivedFrom: (port: number) => number;
  /** Calls this whenever bytes have passed. */
  readonly onPassed: (listener: () => void) => void;
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

interface Way {
  readonly from: Socket;
  readonly to: Socket;
  /** Told how many bytes came. */
  readonly note?: (bytes: number) => void;
}

/** Passes bytes on until `after` of them have; then does `harm` with what comes, once. */
function pass({ from, to, note }: Way, after: number, harm: (piece: Buffer, at: number) => void): void {
  let passed = 0;
  from.on('data', (piece: Buffer) => {
    note?.(piece.length);
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

interface Notes {
  next(port: number): Fault;
  harm(): void;
  sent(port: number, bytes: number): void;
  received(port: number, bytes: number): void;
}

async function serve(client: Socket, notes: Notes): Promise<void> {
  const noteHarm = (): void => notes.harm();
  const target = await readHead(client);
  if (target === undefined) return end(client);
  const { kind, after, until } = notes.next(target.port);
  if (kind === 'refuse') {
    noteHarm();
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
  const hold = (piece: Buffer, at: number) => {
    noteHarm();
    server.pause();
    client.write(piece.subarray(0, at));
    void until?.().then(() => {
      client.write(piece.subarray(at));
      server.resume();
    });
  };
  const note = (bytes: number): void => notes.sent(target.port, bytes);
  pass({ from: client, to: server, note }, kind === 'cut-up' ? after : never, cut(server));
  const down = { 'cut-down': cut(client), 'stall-down': stall, 'garble-down': garble, 'hold-down': hold }[
    kind as string
  ];
  const noteBack = (bytes: number): void => notes.received(target.port, bytes);
  pass({ from: server, to: client, note: noteBack }, down === undefined ? never : after, down ?? garble);
}

/** Starts one on a free port of this machine. `next` gives the fault of each new connection, by the port that it is for. */
export async function startFaultProxy(next: (port: number) => Fault): Promise<FaultProxy> {
  let harmed = 0;
  const sent = new Map<number, number>();
  const received = new Map<number, number>();
  let listener: () => void = () => undefined;
  const add = (to: Map<number, number>) => (port: number, bytes: number) => {
    to.set(port, (to.get(port) ?? 0) + bytes);
    listener();
  };
  const notes: Notes = {
    next,
    harm: () => void harmed++,
    sent: add(sent),
    received: add(received),
  };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => client.destroy()).on('close', () => open.delete(client));
    serve(client, notes).catch(() => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    harmed: () => harmed,
    sentTo: (port) => sent.get(port) ?? 0,
    receivedFrom: (port) => received.get(port) ?? 0,
    onPassed: (called) => void (listener = called),
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
