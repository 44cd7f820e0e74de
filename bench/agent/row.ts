/** One measured command, for the table and for `--json`. */
import { type Cell, figure } from '../table.ts';
import type { Measured, SyncPrinted } from './measured-device.ts';

export interface Row {
  readonly what: string;
  readonly seconds: number;
  /** Of the measured process alone; null where there was none. */
  readonly processorSeconds: number | null;
  /** Null where no process of its own was measured. */
  readonly peakBytes: number | null;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
}

/** The budget of every kind of sync, of any tree. */
export const peakBytesMax = 256 * 1024 * 1024;

/** Throws when the sync left something to be done: its figures would be of less than was asked for. */
export function syncRow(what: string, { printed, seconds, processorSeconds, peakBytes }: Measured<SyncPrinted>): Row {
  if (!printed.upToDate) throw new Error(`${what}: not up to date: ${JSON.stringify(printed)}`);
  const { bytesSent, bytesReceived, requests } = printed;
  return { what, seconds, processorSeconds, peakBytes, bytesSent, bytesReceived, requests };
}

export function rowsToCells(rows: readonly Row[]): Cell[] {
  return rows.flatMap(({ what, seconds, processorSeconds, peakBytes, bytesSent, bytesReceived, requests }) => {
    const columns: readonly (readonly [string, string])[] = [
      ['s', figure(seconds)],
      ['CPU, s', processorSeconds === null ? '-' : figure(processorSeconds)],
      ['peak, MiB', peakBytes === null ? '-' : figure(peakBytes / 2 ** 20)],
      ['sent, MB', figure(bytesSent / 1e6)],
      ['received, MB', figure(bytesReceived / 1e6)],
      ['requests', figure(requests)],
    ];
    return columns.map(([column, text]) => ({ row: what, column, text }));
  });
}
