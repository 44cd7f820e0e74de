/**
 * Asking the server once where to listen. Its answer is not believed: the URL must be one that may be opened, and seats that were not asked for
 * do not count. It ends within a bound, whether or not the server answers.
 */
import { type ErrorCode, isTidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { NegotiateResponse, Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import type { ChannelNeeds } from './channel-needs.ts';
import { channelPace } from './channel-pace.ts';
import { seatKey } from './folder-roster.ts';

export type Negotiated =
  | { readonly kind: 'granted'; readonly url: string; readonly seats: readonly Seat[] }
  | { readonly kind: 'absent' }
  /** `askedMs`: how long the server wants to be left alone, 0 when it did not say; `isPassing`: whether time alone may help. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly askedMs: number; readonly isPassing: boolean };

const loopback = ['127.0.0.1', 'localhost', '[::1]'];

/** Whether a connection may be opened to it: by TLS, or to this machine; with no login in it but the token of its query. */
export function isSocketUrl(text: string): boolean {
  if (text.length > limits.urlBytesMax || !URL.canParse(text)) return false;
  const url = new URL(text);
  const isSafe = url.protocol === 'wss:' || (url.protocol === 'ws:' && loopback.includes(url.hostname));
  return isSafe && url.username === '' && url.password === '' && url.hash === '';
}

function readAnswer(answer: NegotiateResponse, asked: readonly Seat[]): Negotiated {
  const wanted = new Map(asked.map((seat) => [seatKey(seat), seat]));
  const seats = [...new Set(answer.seats.map(seatKey))].flatMap((key) => wanted.get(key) ?? []);
  if (answer.url === null || seats.length === 0) return { kind: 'absent' };
  if (!isSocketUrl(answer.url)) return { kind: 'failed', code: 'malformed', askedMs: 0, isPassing: false };
  return { kind: 'granted', url: answer.url, seats };
}

function readFailure(error: unknown): Negotiated {
  if (!isTidemarkError(error)) return { kind: 'failed', code: 'internal', askedMs: 0, isPassing: true };
  const asked = error.data['retryAfterMs'];
  // A server that is older than this: it has no such route.
  if (error.code === 'not-found') return { kind: 'absent' };
  return {
    kind: 'failed',
    code: error.code,
    askedMs: boundedAsk(typeof asked === 'number' ? asked : 0),
    isPassing: error.retryable || error.code === 'internal',
  };
}

/** A wait that the other side asked for, as far as it is granted. */
export function boundedAsk(askedMs: number): number {
  return Math.min(Math.max(0, askedMs), channelPace.askedMaxMs);
}

/** Calls `done` once, later. Returns how to call it off. */
export function negotiateOnce(
  needs: Pick<ChannelNeeds, 'negotiate' | 'timers'>,
  seats: readonly Seat[],
  done: (result: Negotiated) => void,
): () => void {
  const controller = new AbortController();
  let isOver = false;
  const finish = (result: Negotiated): void => {
    if (isOver) return;
    isOver = true;
    stopTimer();
    done(result);
  };
  const stopTimer = needs.timers.after(channelPace.negotiateMaxMs, () => {
    controller.abort();
    finish({ kind: 'failed', code: 'unavailable', askedMs: 0, isPassing: true });
  });
  const ask = async (): Promise<Negotiated> => {
    try {
      return readAnswer(await needs.negotiate(seats, controller.signal), seats);
    } catch (error) {
      return readFailure(error);
    }
  };
  void ask().then(finish);
  return () => {
    isOver = true;
    stopTimer();
    controller.abort();
  };
}
