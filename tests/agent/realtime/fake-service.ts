/** A server and a realtime service that do what a test says, when it says so. They keep the rules that the channel relies on, and watch its. */
import assert from 'node:assert/strict';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import { encodeRealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { NegotiateResponse, Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import type { ChannelNeeds, ChannelNote } from '../../../client/agent/realtime/channel-needs.ts';
import type { EndReason, JoinResult, Socket, SocketEvents } from '../../../client/agent/realtime/socket.ts';
import { VirtualTime } from '../watch/virtual-time.ts';

/** Virtual time that knows how many timers wait, and for how long. */
export class CountedTime extends VirtualTime {
  readonly waits = new Set<{ readonly ms: number }>();
  /** Of all that were ever set. */
  longestMs = 0;

  override after(ms: number, work: () => void): () => void {
    const wait = { ms };
    this.waits.add(wait);
    this.longestMs = Math.max(this.longestMs, ms);
    const callOff = super.after(ms, () => {
      this.waits.delete(wait);
      work();
    });
    return () => {
      this.waits.delete(wait);
      callOff();
    };
  }
}

export interface Sent {
  readonly event: string;
  readonly report: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export class FakeSocket implements Socket {
  readonly url: string;
  readonly events: SocketEvents;
  readonly joins = new Map<string, (result: JoinResult) => void>();
  readonly joined = new Set<string>();
  isOpen = false;
  isDown = false;
  isClosing = false;
  readonly #service: FakeService;
  #closed: () => void = () => undefined;

  constructor(service: FakeService, url: string, events: SocketEvents) {
    this.#service = service;
    this.url = url;
    this.events = events;
  }

  join(group: string): Promise<JoinResult> {
    assert.ok(this.isOpen && !this.isClosing, 'groups are joined on an open connection');
    assert.ok(!this.joins.has(group) && !this.joined.has(group), 'each once');
    return new Promise((resolve) => this.joins.set(group, resolve));
  }

  send(event: 'presence' | 'progress', report: Readonly<Record<string, unknown>>): void {
    assert.ok(!this.isClosing && !this.isDown, 'nothing is sent on a connection that was given up');
    this.#service.sent.push({ event, report, atMs: this.#service.time.now() });
  }

  close(): Promise<void> {
    assert.ok(!this.isClosing, 'closed once');
    this.isClosing = true;
    if (this.isDown) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
      if (this.#service.closesAtOnce) this.finishClose();
    });
  }

  finishClose(): void {
    if (!this.isClosing || this.isDown) return;
    this.#goDown();
    this.#closed();
  }

  open(): void {
    if (this.isOpen || this.isClosing || this.isDown) return;
    this.isOpen = true;
    this.events.opened();
  }

  answerJoins(result: JoinResult): void {
    const joins = [...this.joins];
    this.joins.clear();
    for (const [group, resolve] of joins) {
      if (result === 'joined') this.joined.add(group);
      resolve(result);
    }
  }

  hear(event: RealtimeEvent): void {
    this.bytes(encodeRealtimeEvent(event));
  }

  bytes(bytes: Uint8Array): void {
    if (this.isOpen && !this.isClosing && !this.isDown) this.events.message(bytes);
  }

  end(reason: EndReason, askedMs = 0): void {
    if (this.isDown || this.isClosing) return;
    this.#goDown();
    this.answerJoins('failed');
    this.events.ended(reason, askedMs);
  }

  #goDown(): void {
    this.isDown = true;
    this.joined.clear();
  }
}

interface Question {
  readonly seats: readonly Seat[];
  readonly signal: AbortSignal;
  readonly resolve: (answer: NegotiateResponse) => void;
  readonly reject: (error: unknown) => void;
}

export const testUrl = 'wss://realtime.example/client/hubs/tidemark';

export class FakeService {
  readonly time = new CountedTime();
  readonly questions: Question[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly sent: Sent[] = [];
  readonly notes: ChannelNote[] = [];
  asked = 0;
  closesAtOnce = true;

  readonly needs: ChannelNeeds = {
    negotiate: (seats, signal) => {
      this.asked++;
      return new Promise((resolve, reject) => this.questions.push({ seats, signal, resolve, reject }));
    },
    openSocket: (url, events) => {
      assert.ok(
        this.sockets.every(({ isDown }) => isDown),
        'there is one connection at a time',
      );
      const socket = new FakeSocket(this, url, events);
      this.sockets.push(socket);
      return socket;
    },
    timers: this.time,
    tell: (note) => void this.notes.push(note),
  };

  /** Answers the question that waits; by default with all that was asked for. */
  async grant(seats?: readonly Seat[], url: string | null = testUrl): Promise<void> {
    const question = this.questions.shift();
    assert.ok(question, 'nothing was asked');
    question.resolve({
      url,
      expiresMs: url === null ? null : this.time.wall() + 300_000,
      seats: seats ?? question.seats,
    });
    await this.time.settle();
  }

  async fail(error: unknown): Promise<void> {
    const question = this.questions.shift();
    assert.ok(question, 'nothing was asked');
    question.reject(error);
    await this.time.settle();
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket, 'no connection');
    return socket;
  }

  /** From a question that waits to a connection with all groups. */
  async connect(seats?: readonly Seat[]): Promise<FakeSocket> {
    await this.grant(seats);
    const { socket } = this;
    socket.open();
    socket.answerJoins('joined');
    await this.time.settle();
    return socket;
  }

  ofKind<K extends ChannelNote['kind']>(kind: K): Extract<ChannelNote, { kind: K }>[] {
    return this.notes.filter((note): note is Extract<ChannelNote, { kind: K }> => note.kind === kind);
  }
}
