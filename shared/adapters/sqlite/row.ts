/** The parse doors of rows: a column is what the schema says it is, or the file is damaged. */
import type { SQLOutputValue } from 'node:sqlite';
import { TidemarkError } from '../../core/errors.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

function refuse(column: string, form: string): never {
  throw new TidemarkError('corrupt', `the metadata column ${column} does not hold ${form}`);
}

export function integerOf(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : refuse(column, 'an integer');
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : refuse(column, 'text');
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : refuse(column, 'bytes');
}

/** What `parse` finds in the column, null when it holds NULL. */
export function nullable<Value>(row: Row, column: string, parse: (row: Row, column: string) => Value): Value | null {
  return row[column] === null ? null : parse(row, column);
}
