/**
 * The scheduler: everything that may happen next waits here, and one thing happens at a time. What happened runs on, through
 * as many promises as it likes, until nothing moves any more without another event; only then is the next one chosen.
 *
 *     park(a0, 'POST /commit')   park(a1, 'sleep')   -> choose -> a1 wakes, parks its next request -> choose -> ...
 *
 * So the order of everything follows from the seed. Nothing in a history uses a timer, a thread or a real clock; the turn of the
 * event loop only tells that the promises have come to rest.
 */
import { createHash } from 'node:crypto';
import { setImmediate as restOfPromises } from 'node:timers/promises';
import type { Random } from './random.ts';

/** Whose event it is; those of a process that was killed never happen. */
export interface Owner {
  readonly name: string;
  readonly isDead: boolean;
}

interface Parked {
  readonly owner: Owner;
  readonly label: string;
  readonly happen: () => void;
}

const traceLinesKept = 400;

export class Scheduler {
  readonly #random: Random;
  #parked: Parked[] = [];
  readonly #hasher = createHash('sha256');
  readonly trace: string[] = [];
  /** Called with every line of the trace. */
  onTrace: (line: string) => void = () => undefined;
  steps = 0;
  nowMs = Date.UTC(2026, 10, 22, 12);

  constructor(random: Random) {
    this.#random = random;
  }

  /** Resolves when the scheduler chooses so; never, if its owner dies before. */
  park(owner: Owner, label: string): Promise<void> {
    return new Promise((happen) => this.#parked.push({ owner, label, happen }));
  }

  /** Something that happens by itself some time, whoever has died. */
  later(owner: Owner, label: string, happen: () => void): void {
    this.#parked.push({ owner, label, happen });
  }

  /** As `later`; never if its owner dies before, or it was called off by what is returned. */
  after(owner: Owner, label: string, happen: () => void): () => void {
    const parked = { owner, label, happen };
    this.#parked.push(parked);
    return () => (this.#parked = this.#parked.filter((other) => other !== parked));
  }

  note(line: string): void {
    this.#hasher.update(`${line}\n`);
    this.trace.push(line);
    if (this.trace.length > 2 * traceLinesKept) this.trace.splice(0, traceLinesKept);
    this.onTrace(line);
  }

  hasParked(): boolean {
    this.#parked = this.#parked.filter(({ owner }) => !owner.isDead);
    return this.#parked.length > 0;
  }

  /** Events of one owner that wait, taken out. */
  take(owner: Owner): readonly string[] {
    const taken = this.#parked.filter((parked) => parked.owner === owner);
    this.#parked = this.#parked.filter((parked) => parked.owner !== owner);
    return taken.map(({ label }) => label);
  }

  /** Lets one of the waiting events happen, and everything that follows from it. */
  async step(): Promise<void> {
    if (!this.hasParked()) return;
    const at = this.#random.below(this.#parked.length);
    const [chosen] = this.#parked.splice(at, 1);
    this.nowMs += this.#random.below(40);
    this.steps++;
    this.note(`${chosen!.owner.name} ${chosen!.label}`);
    chosen!.happen();
    await this.rest();
  }

  /** Resolves when nothing moves any more. */
  async rest(): Promise<void> {
    await restOfPromises();
  }

  /** Of the whole trace so far. */
  hash(): string {
    return this.#hasher.copy().digest('hex');
  }
}
