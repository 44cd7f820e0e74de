/**
 * Progress on stderr: bars on a terminal, one for all and one for each large file under way; elsewhere a line for each phase and one
 * more every ten seconds; nothing with --quiet or --json.
 */
import type { ProgressEvent } from '../agent/engine/report.ts';
import type { Traffic } from './connection.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { drawBars } from './progress/bars.ts';
import { type Figures, type PhaseNames, ProgressMeter, figuresToText } from './progress/meter.ts';

export interface ProgressView {
  /** Traffic: what has crossed the wire so far. */
  readonly show: (event: ProgressEvent, traffic: Traffic) => void;
  readonly end: () => void;
}

/** What is done with figures as they come. */
export interface Drawing {
  draw(figures: Figures): void;
  end(): void;
}

const silent: ProgressView = { show: () => undefined, end: () => undefined };

/** Between two lines of one phase. */
const lineMs = 10_000;

/** A line when a phase begins, and every ten seconds while it goes on. `now` in milliseconds. */
export function drawLines(write: (line: string) => void, now: () => number): Drawing {
  let phase = '';
  let lastMs = 0;
  return {
    draw: (figures) => {
      const isNew = figures.phase !== phase;
      if (!isNew && now() - lastMs < lineMs) return;
      const text = isNew ? '' : figuresToText(figures);
      phase = figures.phase;
      lastMs = now();
      write(text === '' ? `${phase} …` : `${phase}: ${text}`);
    },
    end: () => undefined,
  };
}

/** `names`: of phases that mean something else in this command. */
export function createProgressView(context: CliContext, options: OutputOptions, names: PhaseNames = {}): ProgressView {
  if (options.quiet === true || options.json === true) return silent;
  const now = () => performance.now();
  const drawing = context.animated ? drawBars() : drawLines((line) => context.note(options, line), now);
  const meter = new ProgressMeter(names);
  return {
    show: (event, traffic) => {
      if (event.phase !== 'idle') drawing.draw(meter.add(event, traffic, now()));
    },
    end: () => drawing.end(),
  };
}
