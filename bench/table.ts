/** Measurements as tables in plain text: one cell for each pair of row and column, in the order in which they first come. */
import { cpus } from 'node:os';
import { blake3BackendName } from '../shared/core/hash/blake3.ts';

export interface Cell {
  readonly row: string;
  readonly column: string;
  readonly text: string;
}

export function tableToText(title: string, cells: readonly Cell[]): string {
  const columns = [...new Set(cells.map((cell) => cell.column))];
  const rows = [...new Set(cells.map((cell) => cell.row))];
  const textOf = new Map(cells.map(({ row, column, text }) => [`${row}\n${column}`, text]));
  const lines = [
    ['', ...columns],
    ...rows.map((row) => [row, ...columns.map((column) => textOf.get(`${row}\n${column}`) ?? '-')]),
  ];
  const widths = ['', ...columns].map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const body = lines.map((line) =>
    line.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]! + 3))).join(''),
  );
  return [title, ...body.map((line) => `  ${line}`), ''].join('\n');
}

export function printTable(title: string, cells: readonly Cell[]): void {
  console.log(tableToText(title, cells));
}

/** What the figures depend on. */
export function machineLine(): string {
  const processors = cpus();
  return `Node ${process.version}, ${processors[0]?.model.trim() ?? 'unknown CPU'} (${processors.length} logical), BLAKE3 ${blake3BackendName()}`;
}

/** Thousands apart; decimals below 100 only. */
export function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}
