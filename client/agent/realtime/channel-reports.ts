/**
 * What a connection says of its folders: what they are doing, when it changes and from time to time, and how far uploads are. The newest word
 * wins, and there is a bound on how often anything is said: a folder that is busy and idle ten times a second costs one report a second.
 * Nothing is said twice because it was lost.
 */
import type { SessionId, WorkspaceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type PresenceReport, presenceReport } from '../../../shared/core/wire/presence.ts';
import { progressReport } from '../../../shared/core/wire/realtime-event.ts';
import type { Timers } from '../watch/timers.ts';
import { channelPace } from './channel-pace.ts';
import type { Socket } from './socket.ts';

interface Session {
  sent: number;
  pending: number | undefined;
  callOff: () => void;
}

export class ChannelReports {
  readonly #timers: Timers;
  readonly #socket: Socket;
  readonly #states: () => PresenceReport['folders'];
  readonly #sessions = new Map<string, Session>();
  #sentAt = 0;
  #sent = '';
  #isDue = false;
  #callOff: () => void = () => undefined;

  /** Sends the first report. */
  constructor(timers: Timers, socket: Socket, states: () => PresenceReport['folders']) {
    this.#timers = timers;
    this.#socket = socket;
    this.#states = states;
    this.#send(states());
  }

  /** To be called when `states` may have changed. */
  changed(): void {
    if (this.#isDue || JSON.stringify(this.#states()) === this.#sent) return;
    const waitMs = this.#sentAt + channelPace.reportEveryMs - this.#timers.now();
    if (waitMs <= 0) return this.#send(this.#states());
    this.#isDue = true;
    this.#arm(waitMs);
  }

  /** `percent` is brought into its bounds. 100 is always told, and at once. */
  progress(workspaceId: WorkspaceId, sessionId: SessionId, percent: number): void {
    const whole = Math.trunc(Math.min(100, Math.max(0, Number.isNaN(percent) ? 0 : percent)));
    const key = `${workspaceId}:${sessionId}`;
    const session = this.#sessions.get(key);
    if (session === undefined || (whole === 100 && session.sent !== 100)) {
      session?.callOff();
      this.#sendProgress(workspaceId, sessionId, whole);
    } else session.pending = whole === session.sent ? undefined : whole;
  }

  stop(): void {
    this.#callOff();
    for (const session of this.#sessions.values()) session.callOff();
    this.#sessions.clear();
  }

  #arm(waitMs: number): void {
    this.#callOff();
    this.#callOff = this.#timers.after(waitMs, () => {
      const states = this.#states();
      const isHeartbeat = !this.#isDue;
      this.#isDue = false;
      // It went back to what was said last: only the heartbeat says that again, at its time.
      if (!isHeartbeat && JSON.stringify(states) === this.#sent) this.#armHeartbeat();
      else this.#send(states);
    });
  }

  /** A bit before its time, since agents that lost the same service came back to it together. */
  #armHeartbeat(): void {
    const everyMs = limits.presenceHeartbeatSeconds * 1_000 * (0.8 + 0.2 * this.#timers.random());
    this.#arm(Math.max(0, this.#sentAt + everyMs - this.#timers.now()));
  }

  #send(states: PresenceReport['folders']): void {
    this.#sent = JSON.stringify(states);
    this.#sentAt = this.#timers.now();
    if (states.length > 0) this.#socket.send('presence', toJsonObject(presenceReport.toJson({ folders: states })));
    this.#armHeartbeat();
  }

  #sendProgress(workspaceId: WorkspaceId, sessionId: SessionId, percent: number): void {
    const key = `${workspaceId}:${sessionId}`;
    const callOff = this.#timers.after(channelPace.reportEveryMs, () => {
      const pending = this.#sessions.get(key)?.pending;
      this.#sessions.delete(key);
      if (pending !== undefined) this.#sendProgress(workspaceId, sessionId, pending);
    });
    this.#sessions.delete(key);
    const oldest = this.#sessions.keys().next();
    if (oldest.done !== true && this.#sessions.size >= channelPace.progressSessionsMax) {
      this.#sessions.get(oldest.value)?.callOff();
      this.#sessions.delete(oldest.value);
    }
    this.#sessions.set(key, { sent: percent, pending: undefined, callOff });
    this.#socket.send('progress', toJsonObject(progressReport.toJson({ workspaceId, sessionId, percent })));
  }
}

/** The JSON form of a message is an object. */
function toJsonObject(json: unknown): Readonly<Record<string, unknown>> {
  return json as Readonly<Record<string, unknown>>;
}
