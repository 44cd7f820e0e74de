/** The agent's end of the control protocol. */
import { chmodSync, rmSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type ControlRequest, LineReader, controlLimits, encodeLine, errorToPlain, parseRequest } from './protocol.ts';

/** What a request has besides itself. */
export interface RequestControl {
  /** Aborted when the command went away: nobody waits for the answer any more. */
  readonly gone: AbortSignal;
  readonly progress: (event: unknown, traffic: unknown) => void;
}

/** Thrown by the handler for a request that it has not begun with, because the agent ends. */
export class AgentEnding extends Error {
  constructor() {
    super('the agent is being stopped');
    this.name = 'AgentEnding';
  }
}

export type HandleRequest = (request: ControlRequest, control: RequestControl) => Promise<unknown>;

export interface ControlServer {
  readonly path: string;
  /** Takes no more connections; those that wait for an answer get it first. */
  close(): Promise<void>;
}

class Connection {
  readonly #socket: Socket;
  readonly #handle: HandleRequest;
  readonly #gone = new AbortController();
  readonly #lines = new LineReader(controlLimits.requestBytesMax);
  #open = 0;

  constructor(socket: Socket, handle: HandleRequest) {
    this.#socket = socket;
    this.#handle = handle;
    socket.on('data', (piece: Buffer) => this.#take(piece));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone.abort(new TidemarkError('unavailable', 'the command went away')));
  }

  get isBusy(): boolean {
    return this.#open > 0;
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(piece: Buffer): void {
    try {
      for (const line of this.#lines.push(piece)) {
        if (this.#open >= controlLimits.openRequestsMax)
          throw new TidemarkError('too-large', 'too many requests at once');
        void this.#answer(parseRequest(line));
      }
    } catch {
      this.#socket.destroy();
    }
  }

  async #answer(request: ControlRequest): Promise<void> {
    const { id } = request;
    this.#open++;
    try {
      const result = await this.#handle(request, {
        gone: this.#gone.signal,
        progress: (event, traffic) => this.#sendProgress(id, event, traffic),
      });
      this.#send({ id, result: result ?? null });
    } catch (error) {
      this.#send(error instanceof AgentEnding ? { id, ending: true } : { id, error: errorToPlain(error) });
    } finally {
      this.#open--;
    }
  }

  /** A command that does not read gets no more of it: progress is worth no memory. */
  #sendProgress(id: number, event: unknown, traffic: unknown): void {
    if (!this.#socket.writableNeedDrain) this.#send({ id, progress: { event, traffic } });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(message));
  }
}

/** How often closing looks whether the last answers are out, in milliseconds, and how often at most. */
const closingMs = 20;
const closingLooksMax = 50;

/**
 * Listens at `path`. Only for who holds the folder's lock: then a socket that is there already is what a killed agent left.
 * Throws the system's error when it cannot listen.
 */
export async function serveControl(path: string, handle: HandleRequest): Promise<ControlServer> {
  const connections = new Set<Connection>();
  const server: Server = createServer((socket) => {
    const connection = new Connection(socket, handle);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  server.maxConnections = controlLimits.connectionsMax;
  const isFile = process.platform !== 'win32';
  if (isFile) rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', () => undefined);
  // An agent that has nothing else to do ends; its socket does not hold it.
  server.unref();
  if (isFile) chmodSync(path, 0o600);
  return {
    path,
    close: async () => {
      server.close();
      for (let looks = 0; looks < closingLooksMax && [...connections].some(({ isBusy }) => isBusy); looks++) {
        await new Promise((resolve) => setTimeout(resolve, closingMs));
      }
      await new Promise((resolve) => setImmediate(resolve));
      for (const connection of connections) connection.end();
    },
  };
}
