/** Figures of watched folders in the text format of Prometheus (exposition format 0.0.4). Names and labels are documented in docs/operations.md. */
import { renameSync, writeFileSync } from 'node:fs';
import type { WatchStateName, WatchView } from '../agent/watch/watch-state.ts';

export interface WatchedView {
  readonly folder: string;
  readonly view: WatchView;
}

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** One sample, or one for each value of a label; null for none. */
  readonly of: (
    view: WatchView,
  ) => number | null | readonly (readonly [label: string, value: string, sample: number])[];
}

const states: readonly WatchStateName[] = [
  'opening',
  'idle',
  'syncing',
  'waiting',
  'absent',
  'halted',
  'paused',
  'revoked',
  'stopped',
];

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

const metrics: readonly Metric[] = [
  { name: 'syncs_total', type: 'counter', help: 'Syncs that ended.', of: ({ counts }) => counts.syncs },
  {
    name: 'polls_total',
    type: 'counter',
    help: 'Questions whether the server has news.',
    of: ({ counts }) => counts.polls,
  },
  {
    name: 'realtime_events_total',
    type: 'counter',
    help: 'Events that the realtime service told.',
    of: ({ counts }) => counts.heard,
  },
  {
    name: 'operations_total',
    type: 'counter',
    help: 'Changes that the server took.',
    of: ({ counts }) => counts.operations,
  },
  {
    name: 'applied_total',
    type: 'counter',
    help: 'Changes carried out on this disk.',
    of: ({ counts }) => counts.applied,
  },
  {
    name: 'conflicts_total',
    type: 'counter',
    help: 'Conflict copies that came to be.',
    of: ({ counts }) => counts.conflicts,
  },
  { name: 'sent_bytes_total', type: 'counter', help: 'Content sent.', of: ({ counts }) => counts.bytesSent },
  {
    name: 'received_bytes_total',
    type: 'counter',
    help: 'Content received.',
    of: ({ counts }) => counts.bytesReceived,
  },
  {
    name: 'transfer_requests_total',
    type: 'counter',
    help: 'Requests of transfers.',
    of: ({ counts }) => counts.requests,
  },
  {
    name: 'failures_total',
    type: 'counter',
    help: 'Failures by the code of their error.',
    of: ({ counts }) => Object.entries(counts.failures).map(([code, count]) => ['code', code, count] as const),
  },
  {
    name: 'state',
    type: 'gauge',
    help: '1 for the state that the folder is in.',
    of: ({ state }) => states.map((name) => ['state', name, name === state.name ? 1 : 0] as const),
  },
  {
    name: 'realtime_connected',
    type: 'gauge',
    help: '1 while the realtime service tells of changes.',
    of: ({ realtime }) => Number(realtime === 'live'),
  },
  {
    name: 'changed',
    type: 'gauge',
    help: '1 while changes were seen that no sync has looked at.',
    of: (view) => Number(view.changed),
  },
  {
    name: 'last_sync_timestamp_seconds',
    type: 'gauge',
    help: 'When folder and workspace were last found equal.',
    of: (view) => seconds(view.lastSyncMs),
  },
  {
    name: 'last_heard_timestamp_seconds',
    type: 'gauge',
    help: 'When the server last answered.',
    of: (view) => seconds(view.lastHeardMs),
  },
  {
    name: 'last_sync_duration_seconds',
    type: 'gauge',
    help: 'How long the last sync took.',
    of: (view) => view.lastSyncSeconds,
  },
  {
    name: 'watched_folders',
    type: 'gauge',
    help: 'Folders that the system watches; 0 while it is looked at intervals.',
    of: ({ watcher }) => watcher.folders,
  },
  {
    name: 'watcher_events',
    type: 'gauge',
    help: '1 while the system tells of changes.',
    of: ({ watcher }) => Number(watcher.mode === 'events'),
  },
];

/** A label's value: backslash, quote and line end are escaped. */
function labelText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function samples({ name, of }: Metric, { folder, view }: WatchedView): string[] {
  const value = of(view);
  const label = `folder="${labelText(folder)}"`;
  if (value === null) return [];
  if (typeof value === 'number') return [`tidemark_${name}{${label}} ${value}`];
  return value.map(([other, text, sample]) => `tidemark_${name}{${label},${other}="${labelText(text)}"} ${sample}`);
}

export function metricsToText(views: readonly WatchedView[]): string {
  const lines = metrics.flatMap((metric) => [
    `# HELP tidemark_${metric.name} ${metric.help}`,
    `# TYPE tidemark_${metric.name} ${metric.type}`,
    ...views.flatMap((view) => samples(metric, view)),
  ]);
  const memory = process.memoryUsage.rss();
  return [
    ...lines,
    '# HELP tidemark_resident_memory_bytes Memory of the process.',
    '# TYPE tidemark_resident_memory_bytes gauge',
    `tidemark_resident_memory_bytes ${memory}`,
    '',
  ].join('\n');
}

/** Whole or not at all: a reader never sees half of it. */
export function writeMetrics(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, file);
}
