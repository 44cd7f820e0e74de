/** Progress on stderr: a bar on a terminal, a line a phase otherwise, nothing with --quiet or --json. */
import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { ProgressEvent } from '../agent/engine/report.ts';
import type { Traffic } from './connection.ts';
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

/** How often the bar shows what has crossed the wire by now, in milliseconds: a large file is one step of its phase. */
const trafficMs = 200;

function bars(traffic: () => Traffic | undefined): ProgressView {
  const multi = new MultiBar(
    {
      format: '{phase} {bar} {value}/{total} {moved}',
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  let bar: SingleBar | undefined;
  const timer = setInterval(() => bar?.update({ moved: trafficToText(traffic()) }), trafficMs).unref();
  return {
    show: ({ phase, done, total }) => {
      bar ??= multi.create(total, done);
      bar.setTotal(Math.max(total, done, 1));
      bar.update(done, { phase: phase.padEnd(11), moved: trafficToText(traffic()) });
    },
    end: () => {
      clearInterval(timer);
      multi.stop();
    },
  };
}

function trafficToText(traffic: Traffic | undefined): string {
  return traffic === undefined
    ? ''
    : `sent ${bytesToText(traffic.bytesSent)}, received ${bytesToText(traffic.bytesReceived)}`;
}

/** `traffic`: what has crossed the wire so far, once there is a connection. */
export function createProgressView(
  context: CliContext,
  options: OutputOptions,
  traffic: () => Traffic | undefined,
): ProgressView {
  if (options.quiet === true || options.json === true) return silent;
  return context.animated ? bars(traffic) : lines(context, options);
}
