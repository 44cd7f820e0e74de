/** Frames to one socket. What the peer has not read yet waits in memory, so it is counted. */
import { WebSocket } from 'ws';

export interface SocketBounds {
  readonly framesMax: number;
  readonly bytesMax: number;
}

export class SocketWriter {
  readonly socket: WebSocket;
  readonly #bounds: SocketBounds;
  readonly #written = (): void => {
    this.#waiting -= 1;
  };
  #waiting = 0;
  #heard = true;

  constructor(socket: WebSocket, bounds: SocketBounds) {
    this.socket = socket;
    this.#bounds = bounds;
  }

  /** Queues a text frame; a socket that is closing drops it. False: more waits than may, and the socket should be cut. */
  write(text: string | Buffer): boolean {
    if (this.socket.readyState !== WebSocket.OPEN) return true;
    this.#waiting += 1;
    this.socket.send(text, { binary: false }, this.#written);
    return this.#waiting <= this.#bounds.framesMax && this.socket.bufferedAmount <= this.#bounds.bytesMax;
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** Asks the peer for a sign of life. False: it gave none since the last time. */
  ping(): boolean {
    if (!this.#heard) return false;
    this.#heard = false;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
    return true;
  }
}
