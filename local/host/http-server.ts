/** Servers of the local stack: listening with errors that say what to do, empty answers, and a close that drains. */
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TidemarkError, type ErrorCode } from '../../shared/core/errors.ts';
import type { HostClock } from './host-clock.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

export interface BoundAddress extends ListenAddress {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
}

const listenErrors: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EADDRINUSE: ['conflict', 'is taken by another program; stop that program or choose another port (--port)'],
  EACCES: ['forbidden', 'may not be used by this user; choose a port from 1024 up (--port)'],
  EADDRNOTAVAIL: ['malformed', 'is not an address of this machine; use 127.0.0.1'],
};

/** Binds a server. @throws TidemarkError `conflict` for a taken port, `forbidden`, `malformed` or `unavailable`. */
export async function listenOn(server: Server, address: ListenAddress, what: string): Promise<BoundAddress> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(toListenError(error, address, what));
    server.once('error', onError);
    server.listen(address.port, address.host, () => {
      server.off('error', onError);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: address.host,
    port,
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`,
  };
}

/** What a person is told when a server did not come to listen, and what to do. */
export function toListenError(cause: unknown, { host, port }: ListenAddress, what: string): TidemarkError {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const [code, hint] = listenErrors[why] ?? ['unavailable' as const, `cannot be used (${why})`];
  return new TidemarkError(code, `${what} cannot listen: port ${port} on ${host} ${hint}.`, {
    cause,
    data: { host, port },
  });
}

/** Answers with a status and no body. */
export function answerEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-length': 0, ...headers });
  response.end();
}

/** Answers with a small JSON or plain text body. */
export function answerText(
  response: ServerResponse,
  status: number,
  type: 'application/json' | 'text/plain',
  text: string,
): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Stops accepting, waits until the work is settled or `drainMs` is over, then ends all connections (after the work they
 * are idle, or hold half a request) and waits until the port is free. A server that does not listen is left alone.
 */
export async function closeServer(
  server: Server,
  settled: () => Promise<unknown>,
  drainMs: number,
  clock: HostClock,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  let cancel = (): void => undefined;
  const timeUp = new Promise<void>((resolve) => {
    cancel = clock.after(drainMs, resolve);
  });
  await Promise.race([settled(), timeUp]);
  cancel();
  server.closeAllConnections();
  await closed;
}
