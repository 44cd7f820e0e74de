/**
 * Messages that were accepted and are on their way to connections. Whoever sends one is answered first; it goes out in the turns of the event
 * loop after that, to a batch of connections a turn, so that what comes from sockets and REST is served between. Messages to one target (a
 * group, a user, a connection, everybody) go out in the order in which they were accepted; those to different targets take turns, so that one
 * large group does not hold up the others, and may overtake each other. Bounded: what waits past the bounds is refused.
 *
 * A message is for those who were there when it was accepted, less those who have gone by the time it is their turn. An end, of a connection
 * or of the endpoint, does not wait for what was accepted before it.
 */
import type { WebPubSubBounds } from './bounds.ts';
import type { Connection } from './connection.ts';
import type { OutboundMessage } from './json-protocol.ts';

type Receiver = Pick<Connection, 'send'>;

export interface Delivery<One extends Receiver> {
  readonly message: OutboundMessage;
  /** Names what it is sent to, in all hubs. */
  readonly target: string;
  readonly connections: Iterable<One>;
  /** Asked of each when it is its turn. */
  readonly isWanted: (connection: One) => boolean;
}

/** Hubs and kinds have no spaces in their names. */
export function targetOf(hub: string, kind: 'connectionId' | 'group' | 'userId' | undefined, name: string): string {
  return `${hub} ${kind ?? 'all'} ${name}`;
}

interface Accepted {
  readonly bytes: number;
  readonly receivers: number;
  /** Gives one of the receivers its turn. */
  readonly send: (receiver: number) => void;
  /** How many of the receivers have had their turn. */
  done: number;
}

type FanOutBounds = Pick<WebPubSubBounds, 'fanOutBatch' | 'fanOutReceiversMax' | 'fanOutBytesMax'>;

export class FanOut {
  readonly #bounds: FanOutBounds;
  readonly #later: (run: () => void) => void;
  /** What waits for each target. The first of the map is next, and goes to its end after its turn. */
  readonly #lines = new Map<string, Accepted[]>();
  #receivers = 0;
  #bytes = 0;
  #isScheduled = false;

  /** `later` runs a turn when events that came meanwhile were served. */
  constructor(bounds: FanOutBounds, later: (run: () => void) => void = (run) => void setImmediate(run)) {
    this.#bounds = bounds;
    this.#later = later;
  }

  /** Receivers that have not had their turn, of all messages. */
  get waiting(): number {
    return this.#receivers;
  }

  /** False: too much waits, and nobody gets it. A message that finds nothing before it is always taken. */
  accept<One extends Receiver>({ message, target, connections, isWanted }: Delivery<One>): boolean {
    const receivers = [...connections];
    if (receivers.length === 0) return true;
    const { fanOutReceiversMax, fanOutBytesMax } = this.#bounds;
    const isFull =
      this.#receivers + receivers.length > fanOutReceiversMax || this.#bytes + message.bytes > fanOutBytesMax;
    if (isFull && this.#lines.size > 0) return false;
    const line = this.#lines.get(target);
    const send = (index: number): void => {
      const receiver = receivers[index]!;
      if (isWanted(receiver)) receiver.send(message);
    };
    const accepted = { bytes: message.bytes, receivers: receivers.length, send, done: 0 };
    if (line === undefined) this.#lines.set(target, [accepted]);
    else line.push(accepted);
    this.#receivers += receivers.length;
    this.#bytes += message.bytes;
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#later(() => {
      this.#isScheduled = false;
      this.#turn();
      if (this.#lines.size > 0) this.#schedule();
    });
  }

  /** One batch, of as many targets as it has room for. */
  #turn(): void {
    let left = this.#bounds.fanOutBatch;
    for (const [target, line] of this.#lines) {
      left -= this.#send(line, left);
      this.#lines.delete(target);
      if (line.length > 0) this.#lines.set(target, line);
      if (left <= 0) return;
    }
  }

  /** Sends to `max` receivers of the first message of a line. @returns how many had their turn. */
  #send(line: Accepted[], max: number): number {
    const first = line[0]!;
    const end = Math.min(first.receivers, first.done + max);
    const turns = end - first.done;
    while (first.done < end) first.send(first.done++);
    this.#receivers -= turns;
    if (end < first.receivers) return turns;
    this.#bytes -= first.bytes;
    line.shift();
    return turns;
  }
}
