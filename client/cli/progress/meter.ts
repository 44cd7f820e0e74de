/** From the engine's steps to what people want to know: what is going on, how far it is, how fast, how long yet, and which large files. */
import type { ProgressEvent } from '../../agent/engine/report.ts';
import type { Traffic } from '../connection.ts';
import { bytesToText, nameToText } from '../context.ts';
import { Rate, durationToText, secondsLeft } from './rate.ts';

export const phaseNames: Readonly<Record<ProgressEvent['phase'], string>> = {
  idle: 'done',
  replaying: 'receiving',
  scanning: 'looking at the disk',
  negotiating: 'comparing',
  uploading: 'sending',
  committing: 'committing',
};

export type PhaseNames = Partial<typeof phaseNames>;

export interface LargeFile {
  readonly path: string;
  readonly done: number;
  readonly total: number;
}

export interface Figures {
  readonly phase: string;
  readonly done: number;
  /** Zero where it is not known. */
  readonly total: number;
  readonly bytes: number;
  /** Null where it is not known. */
  readonly bytesTotal: number | null;
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
  /** Under way; at most eight. */
  readonly files: readonly LargeFile[];
}

const filesMax = 8;

export class ProgressMeter {
  readonly #names: PhaseNames;
  #phase = '';
  #rate = new Rate();
  #files = new Map<string, LargeFile>();

  constructor(names: PhaseNames = {}) {
    this.#names = names;
  }

  /** `ms`: the time, in milliseconds. */
  add(event: ProgressEvent, traffic: Traffic, ms: number): Figures {
    const phase = this.#names[event.phase] ?? phaseNames[event.phase];
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#rate = new Rate();
      this.#files = new Map();
    }
    const bytesTotal = event.bytesTotal ?? null;
    const moved = bytesTotal === null ? Math.max(event.bytes, traffic.bytesSent + traffic.bytesReceived) : event.bytes;
    this.#rate.add(moved, ms);
    if (event.file !== undefined) this.#noteFile(event.file);
    const bytesPerSecond = this.#rate.perSecond();
    return {
      phase,
      done: event.done,
      total: event.total,
      bytes: event.bytes,
      bytesTotal,
      bytesPerSecond,
      secondsLeft: bytesTotal === null ? null : secondsLeft(bytesTotal - event.bytes, bytesPerSecond),
      files: [...this.#files.values()],
    };
  }

  #noteFile(file: LargeFile): void {
    this.#files.delete(file.path);
    if (file.done < file.total) this.#files.set(file.path, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > filesMax && oldest !== undefined) this.#files.delete(oldest);
  }
}

/** Between 0 and 1; null where nobody can tell. */
export function shareOf({ done, total, bytes, bytesTotal }: Figures): number | null {
  if (bytesTotal !== null && bytesTotal > 0) return Math.min(1, bytes / bytesTotal);
  return total > 0 ? Math.min(1, done / total) : null;
}

/** `120 of 300, 1.2 MiB of 4.0 MiB, 2.0 MiB/s, 2 s left`: what is known of it. */
export function figuresToText(figures: Figures): string {
  const { done, total, bytes, bytesTotal, bytesPerSecond, secondsLeft: left } = figures;
  const counted = total > 0 ? `${done} of ${total}` : done > 0 ? String(done) : '';
  const much =
    bytesTotal !== null ? `${bytesToText(bytes)} of ${bytesToText(bytesTotal)}` : bytes > 0 ? bytesToText(bytes) : '';
  const fast = bytesPerSecond === null || bytesPerSecond <= 0 ? '' : `${bytesToText(Math.round(bytesPerSecond))}/s`;
  const rest = left === null ? '' : `${durationToText(left)} left`;
  return [counted, much, fast, rest].filter((text) => text !== '').join(', ');
}

/** A path that fits in so many characters, its end kept: that is where the name is. */
export function shortPath(path: string, max: number): string {
  const text = nameToText(path);
  return text.length <= max ? text : `…${text.slice(text.length - max + 1)}`;
}
