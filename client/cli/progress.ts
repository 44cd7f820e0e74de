/** Progress on stderr: a bar on a terminal, a line a phase otherwise, nothing with --quiet or --json. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { ProgressEvent } from '../agent/engine/report.ts';
import { type CliContext, type OutputOptions, bytesToText } from './context.ts';

export interface ProgressView {
  show(event: ProgressEvent): void;
  end(): void;
}

const silent: ProgressView = { show: () => undefined, end: () => undefined };

function lines(context: CliContext, options: OutputOptions): ProgressView {
  let phase = '';
  return {
    show: (event) => {
      if (event.phase === phase) return;
      phase = event.phase;
      if (phase !== 'idle') context.note(options, `${phase} …`);
    },
    end: () => undefined,
  };
}

function bars(): ProgressView {
  const multi = new MultiBar(
    {
      format: '{phase} {bar} {value}/{total} {bytes}',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  let bar: SingleBar | undefined;
  return {
    show: ({ phase, done, total, bytes }) => {
      bar ??= multi.create(total, done);
      bar.setTotal(Math.max(total, done, 1));
      bar.update(done, { phase: phase.padEnd(11), bytes: bytes === 0 ? '' : bytesToText(bytes) });
    },
    end: () => multi.stop(),
  };
}

export function createProgressView(context: CliContext, options: OutputOptions): ProgressView {
  if (options.quiet === true || options.json === true) return silent;
  return context.animated ? bars() : lines(context, options);
}
