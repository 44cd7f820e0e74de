/**
 * How long to leave the server alone after what went wrong, told to the log. Every wait has chance in it, also the first one after a connection
 * that lasted, since all the others lost theirs at that moment; none is longer than what the other side may ask for and the longest of ours.
 */
import type { Timers } from '../watch/timers.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import { aboutMs, backoffMs } from '../watch/pace.ts';
import type { ChannelNote, LossReason } from './channel-needs.ts';
import { channelPace } from './channel-pace.ts';
import { type Negotiated, boundedAsk } from './negotiation.ts';

/** `absentFor`: see `ChannelState`. */
export interface Wait {
  readonly ms: number;
  readonly absentFor: readonly Seat[] | null;
}

export class ChannelWaits {
  readonly #timers: Timers;
  readonly #tell: (note: ChannelNote) => void;
  /** In a row, of whatever kind. */
  #failures = 0;
  #dropped = 0;

  constructor(timers: Timers, tell: (note: ChannelNote) => void) {
    this.#timers = timers;
    this.#tell = tell;
  }

  /** Counts a message that was none of ours. */
  noteDropped(): void {
    this.#dropped++;
  }

  /** The server has no realtime service, or none for any of these. */
  afterAbsence(asked: readonly Seat[]): Wait {
    this.#failures = 0;
    const ms = aboutMs(channelPace.absentMs, this.#timers.random());
    this.#tell({ kind: 'absent', waitMs: Math.round(ms) });
    return { ms, absentFor: asked };
  }

  afterFailure(result: Extract<Negotiated, { kind: 'failed' }>): Wait {
    this.#failures++;
    const chance = this.#timers.random();
    const ms = result.isPassing
      ? backoffMs(this.#failures, result.askedMs, chance)
      : result.askedMs + aboutMs(channelPace.refusedMs, chance);
    this.#tell({ kind: 'failed', code: result.code, waitMs: Math.round(ms) });
    return { ms, absentFor: null };
  }

  /** `lastedMs`: how long the connection was open. */
  afterLoss(reason: LossReason, askedMs: number, lastedMs: number): Wait {
    this.#failures = lastedMs >= channelPace.goodAfterMs ? 1 : this.#failures + 1;
    const ms = backoffMs(this.#failures, boundedAsk(askedMs), this.#timers.random());
    this.#tell({ kind: 'lost', reason, dropped: this.#dropped, waitMs: Math.round(ms) });
    this.#dropped = 0;
    return { ms, absentFor: null };
  }
}
