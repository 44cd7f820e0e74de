/**
 * What a second device would save at most that fetched packs before the commit that names them has landed: of sending and then fetching,
 * the shorter one. Computed from a measured first sync on either side, as it was, and as it would be on a line that is slower than this.
 */
import { type Cell, figure } from '../table.ts';
import type { Row } from './row.ts';

/** Each way. */
const lineBitsPerSecond = 50e6;

function cellsOf(row: string, sending: number, fetching: number): Cell[] {
  const columns: readonly (readonly [string, number])[] = [
    ['sending, s', sending],
    ['fetching, s', fetching],
    ['one after the other, s', sending + fetching],
    ['at once at best, s', Math.max(sending, fetching)],
    ['saved at most, s', Math.min(sending, fetching)],
  ];
  return columns.map(([column, seconds]) => ({ row, column, text: figure(seconds) }));
}

/** `first` and `second`: the first sync of the device that sends, and of the one that fetches. */
export function prefetchCells(first: Row, second: Row): Cell[] {
  const onLine = (bytes: number, seconds: number): number => Math.max(seconds, (bytes * 8) / lineBitsPerSecond);
  return [
    ...cellsOf('as measured', first.seconds, second.seconds),
    ...cellsOf(
      `${lineBitsPerSecond / 1e6} Mbit/s each way`,
      onLine(first.bytesSent, first.seconds),
      onLine(second.bytesReceived, second.seconds),
    ),
  ];
}
