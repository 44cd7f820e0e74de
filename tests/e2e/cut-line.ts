/** A TCP line to a server of this machine that can be cut: then whoever comes is refused as by a service that knows them no more. */
import { type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface CutLine {
  readonly port: number;
  /** Connections that were asked for. */
  readonly asked: () => number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startCutLine(port: number): Promise<CutLine> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let asked = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    asked++;
    keep(near);
    if (isCut) {
      near.once('data', () => near.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
      return;
    }
    const far = connect(port, '127.0.0.1');
    keep(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => asked,
    cut: () => {
      isCut = true;
      endAll();
    },
    mend: () => (isCut = false),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      endAll();
      await closed;
    },
  };
}
