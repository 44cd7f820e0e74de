/** The parse doors of documents: a property is what we stored, or the container is damaged. Bytes are base64: a third more. */
import { TidemarkError } from '../../core/errors.ts';
import type { Fields } from './table.ts';

function refuse(name: string, form: string): never {
  throw new TidemarkError('corrupt', `the metadata property ${name} does not hold ${form}`);
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : refuse('of a page', 'a document');
}

export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : refuse(name, 'text');
}

export function integerOf(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse(name, 'an integer');
}

export function integerOrNullOf(fields: Fields, name: string): number | null {
  return fields[name] === null ? null : integerOf(fields, name);
}

export function flagOf(fields: Fields, name: string): boolean {
  const value = fields[name];
  return typeof value === 'boolean' ? value : refuse(name, 'a flag');
}

export function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  return Array.isArray(value) ? (value as readonly unknown[]) : refuse(name, 'a list');
}

/** Buffer's view of the text's bytes, as a plain array of its own. */
export function bytesOf(fields: Fields, name: string): Uint8Array {
  const bytes = Buffer.from(textOf(fields, name), 'base64');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length).slice();
}

export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** A number in a document's id, so that ids are in its order: every safe integer has at most 16 digits. */
export function padded(n: number): string {
  return String(n).padStart(16, '0');
}

/** Any text as part of a document's id, in the order of its UTF-8 bytes. Throws `malformed` when it is too long for one. */
export function textToId(text: string): string {
  const id = Buffer.from(text).toString('hex');
  if (id.length > 1_000) throw new TidemarkError('malformed', 'a name in the metadata has at most 500 bytes');
  return id;
}

const graceSeconds = 60;

/**
 * The `ttl` of a document that may go after `expiresMs`, in whole seconds from now. A minute more than that, so that clocks
 * that differ a little take nothing away too soon; it goes by itself then, at no charge.
 */
export function ttlOf(expiresMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((expiresMs - nowMs) / 1000)) + graceSeconds;
}
