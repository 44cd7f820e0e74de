/** Figures of a watch as they grow. */
import type { SyncReport } from '../engine/report.ts';

export interface WatchTally {
  lastSyncMs: number | null;
  lastHeardMs: number | null;
  lastSyncSeconds: number | null;
  readonly counts: {
    syncs: number;
    operations: number;
    applied: number;
    conflicts: number;
    bytesSent: number;
    bytesReceived: number;
    requests: number;
    polls: number;
    readonly failures: Record<string, number>;
  };
}

export function newTally(): WatchTally {
  return {
    lastSyncMs: null,
    lastHeardMs: null,
    lastSyncSeconds: null,
    counts: {
      syncs: 0,
      operations: 0,
      applied: 0,
      conflicts: 0,
      bytesSent: 0,
      bytesReceived: 0,
      requests: 0,
      polls: 0,
      failures: {},
    },
  };
}

/** A sync has ended, at this time of the wall clock. One that asked nothing moved nothing, and says nothing of the server: it counts for none. */
export function tallyReport(
  tally: WatchTally,
  report: SyncReport,
  { wallMs, seconds }: { readonly wallMs: number; readonly seconds: number },
): void {
  if (!report.asked) return;
  const { counts } = tally;
  counts.syncs++;
  counts.operations += report.operations;
  counts.applied += report.applied;
  counts.conflicts += report.conflicts;
  counts.bytesSent += report.bytesSent;
  counts.bytesReceived += report.bytesReceived;
  counts.requests += report.requests;
  tally.lastHeardMs = wallMs;
  tally.lastSyncSeconds = seconds;
  if (report.upToDate) tally.lastSyncMs = wallMs;
}
