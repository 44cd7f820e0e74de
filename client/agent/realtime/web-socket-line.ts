/**
 * One WebSocket line, bounded where the other side is not trusted: its handshake, the size of a message, and how long a close may take. It has
 * the face that the realtime package expects of its sockets. `onclose` is called exactly once, whatever happens, and always later.
 */
import { WebSocket } from 'ws';
import type { Timers } from '../watch/timers.ts';

/** Without a byte from the other side, until it has answered the handshake. */
const handshakeMaxMs = 10_000;
/** No service sends larger messages. A line that brings one is broken off before it is held in memory. */
const messageBytesMax = 1_048_576;
/** Of text that is looked at. What is ours is an event of 2 KiB in base64; the first message of a connection holds tokens. */
const textBytesMax = 16_384;
/** For the other side to answer a close; after it the line is cut. */
const closeWaitMs = 1_000;
/** A close code that says nothing, when there was no line. */
const abnormal = 1006;

export interface LineOptions {
  readonly url: string;
  readonly protocol: string;
  /** The line is begun after so many milliseconds. */
  readonly delayMs: number;
  readonly timers: Timers;
  /** Something came. */
  readonly heard: () => void;
  /** What came was too large, or no text. */
  readonly dropped: () => void;
  /** It is down, by this close code. */
  readonly closed: (code: number) => void;
}

/** What the service answered to the handshake instead of a line. */
export interface Refusal {
  readonly status: number;
  readonly retryAfterMs: number;
}

type Step = 'waiting' | 'begun' | 'down';

export class WebSocketLine {
  readonly #options: LineOptions;
  /** Resolves when nothing of it is left. */
  readonly down: Promise<void>;
  #step: Step = 'waiting';
  #socket: WebSocket | undefined;
  #refusal: Refusal | undefined;
  #callOff: () => void;
  #isDown: () => void = () => undefined;
  #onopen: () => void = () => undefined;
  #onclose: (code: number, reason: string) => void = () => undefined;
  #onerror: (error: unknown) => void = () => undefined;
  #onmessage: (data: string) => void = () => undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.down = new Promise((resolve) => (this.#isDown = resolve));
    this.#callOff = options.timers.after(options.delayMs, () => this.#begin());
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  onopen(listener: () => void): void {
    this.#onopen = listener;
  }

  onclose(listener: (code: number, reason: string) => void): void {
    this.#onclose = listener;
  }

  onerror(listener: (error: unknown) => void): void {
    this.#onerror = listener;
  }

  onmessage(listener: (data: string) => void): void {
    this.#onmessage = listener;
  }

  isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Rejects when the line is not open. */
  send(data: string | ArrayBuffer): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || !this.isOpen()) return Promise.reject(new Error('the line is not open'));
    return new Promise((resolve, reject) => socket.send(data, (error) => (error ? reject(error) : resolve())));
  }

  /** Politely, if it is open; it is down in about a second whatever the other side does. */
  close(): void {
    if (!this.isOpen()) return this.cut();
    this.#socket?.close(1000);
    this.#callOff();
    this.#callOff = this.#options.timers.after(closeWaitMs, () => this.cut());
  }

  /** At once. */
  cut(): void {
    if (this.#step === 'waiting') {
      this.#callOff();
      this.#step = 'begun';
      queueMicrotask(() => this.#end(abnormal));
    } else this.#socket?.terminate();
  }

  #begin(): void {
    this.#step = 'begun';
    const { url, protocol, heard, dropped } = this.#options;
    const socket = new WebSocket(url, protocol, {
      handshakeTimeout: handshakeMaxMs,
      maxPayload: messageBytesMax,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('open', () => this.#onopen());
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      heard();
      if (isBinary || data.length > textBytesMax) dropped();
      else this.#onmessage(data.toString('utf8'));
    });
    socket.on('unexpected-response', (_request, response) => {
      const seconds = Number(response.headers['retry-after'] ?? 0);
      const retryAfterMs = Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0;
      this.#refusal = { status: response.statusCode ?? 0, retryAfterMs };
      socket.terminate();
    });
    socket.on('error', (error) => this.#onerror(error));
    socket.on('close', (code) => this.#end(code));
  }

  #end(code: number): void {
    if (this.#step === 'down') return;
    this.#step = 'down';
    this.#callOff();
    this.#options.closed(code);
    this.#onclose(code, '');
    this.#isDown();
  }
}

/**
 * A line that never was: it opens and closes at once. The realtime package mends a broken line for half a minute even when it was told to stop,
 * unless it finds one that it can then close.
 */
export class FarewellLine {
  #onclose: (code: number, reason: string) => void = () => undefined;
  readonly #opened: () => void;
  #isOpen = true;

  /** `opened`: called when the package believes it to be open. */
  constructor(opened: () => void) {
    this.#opened = opened;
  }

  onopen(listener: () => void): void {
    queueMicrotask(() => {
      listener();
      this.#opened();
    });
  }

  onclose(listener: (code: number, reason: string) => void): void {
    this.#onclose = listener;
  }

  onerror(): void {
    // It has none.
  }

  onmessage(): void {
    // Nothing comes.
  }

  isOpen(): boolean {
    return this.#isOpen;
  }

  send(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#isOpen = false;
    this.#onclose(1000, '');
  }
}
