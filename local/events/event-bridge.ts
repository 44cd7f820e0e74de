/**
 * Event Grid for one machine: takes events, posts them in batches to a Functions webhook, and tries again until they are
 * taken. At least once while the process lives; the queue is bounded and not kept on disk, because events may be lost by
 * contract: whoever needs a fact that an event carries finds it out for itself.
 *
 * One loop moves it: take a batch from the front, post it, drop it from the queue when it was accepted, else wait (0.25 s,
 * doubled up to 30 s, each drawn at random from its second half) and post the same batch again.
 */
import type { Log } from '../../shared/ports/log.ts';

export interface EventBridgeOptions {
  /** The webhook with its function's name, e.g. `http://127.0.0.1:7071/runtime/webhooks/EventGrid?functionName=verifyPack`. */
  readonly webhookUrl: string;
  readonly log: Log;
  readonly fetch?: typeof globalThis.fetch;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  /** Events held while the webhook is away. */
  readonly queueMax?: number;
  readonly batchMax?: number;
}

export interface EventBridge<Event> {
  /** Queues an event. False, with a warning, when the queue is full: the event is lost. Never blocks, never throws. */
  emit(event: Event): boolean;
  /** Delivers until the signal aborts or `close` ends it. Resolves then. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes no more events and lets `run` end once the queue is empty, or at its first failure. */
  close(): void;
}

const firstDelayMs = 250;
const delayMaxMs = 30_000;
const postTimeoutMs = 30_000;
/** Statuses by which a webhook says that these events will never be welcome; Event Grid gives them up too. */
const hopelessStatuses: ReadonlySet<number> = new Set([400, 413]);

function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}

class Bridge<Event> implements EventBridge<Event> {
  readonly #options: Required<EventBridgeOptions>;
  readonly #queue: Event[] = [];
  readonly #closing = new AbortController();
  #wake: () => void = () => {};
  #lost = 0;

  constructor(options: EventBridgeOptions) {
    this.#options = {
      fetch: globalThis.fetch,
      wait: waitFor,
      random: Math.random,
      queueMax: 10_000,
      batchMax: 100,
      ...options,
    };
  }

  emit(event: Event): boolean {
    if (this.#closing.signal.aborted || this.#queue.length >= this.#options.queueMax) {
      // One warning for each time the queue fills up, not one for each event.
      if (this.#lost++ === 0)
        this.#options.log.warn({ queued: this.#queue.length }, 'the event queue is full: events are lost');
      return false;
    }
    if (this.#lost > 0) this.#options.log.warn({ lost: this.#lost }, 'events were lost while the queue was full');
    this.#lost = 0;
    this.#queue.push(event);
    this.#wake();
    return true;
  }

  close(): void {
    this.#closing.abort();
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    let failures = 0;
    while (!signal.aborted) {
      if (this.#queue.length === 0) {
        if (this.#closing.signal.aborted) return;
        await this.#nextEvent(signal);
        continue;
      }
      const batch = this.#queue.slice(0, this.#options.batchMax);
      if (await this.#post(batch, signal)) {
        this.#queue.splice(0, batch.length);
        failures = 0;
        continue;
      }
      if (ended.aborted) return;
      await this.#options.wait(this.#delayMs(failures++), ended);
    }
  }

  #delayMs(failures: number): number {
    const longest = Math.min(delayMaxMs, firstDelayMs * 2 ** Math.min(failures, 20));
    return longest * (0.5 + this.#options.random() / 2);
  }

  /** Resolves at the next event, at `close`, or when the signal aborts. */
  #nextEvent(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }

  /** Whether the batch is done with: accepted, or never to be accepted. */
  async #post(batch: readonly Event[], signal: AbortSignal): Promise<boolean> {
    const { webhookUrl, log } = this.#options;
    try {
      const response = await this.#options.fetch(webhookUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
        body: JSON.stringify(batch),
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(postTimeoutMs)]),
      });
      await response.body?.cancel();
      if (response.ok) return true;
      log.warn({ status: response.status, events: batch.length }, 'the webhook did not take a batch of events');
      return hopelessStatuses.has(response.status);
    } catch (error) {
      if (!signal.aborted) log.debug({ events: batch.length, error: String(error) }, 'the webhook cannot be reached');
      return false;
    }
  }
}

/** A bridge that does nothing until `run`. */
export function createEventBridge<Event>(options: EventBridgeOptions): EventBridge<Event> {
  return new Bridge(options);
}
