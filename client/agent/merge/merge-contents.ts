/**
 * Merging two edits of one file by its type: JSON by structure (merge-json.ts), any other text by lines (diff3.ts), nothing else. What
 * comes out holds both edits whole; there are no marks of conflicts, and when the edits do not fit together there is no merge.
 *
 * merge(b, b, x) = merge(b, x, b) = merge(b, x, x) = x, to the byte, whatever x is; and the order of the two edits makes no difference
 * for text. For JSON it makes none but of white space and the order of keys.
 */
import { equalBytes, utf8, utf8ToText } from '../../../shared/core/bytes.ts';
import { mergeText } from './diff3.ts';
import { mergeJson } from './merge-json.ts';

/** Bytes of one version: more is not text that people edit in two places at once. */
export const mergeBytesMax = 4 * 1024 * 1024;

export type MergedContents =
  | { readonly state: 'merged'; readonly bytes: Uint8Array }
  /** `binary`: not UTF-8, or with a NUL. */
  | { readonly state: 'apart'; readonly why: 'binary' | 'too-large' | 'conflict' };

const jsonName = /\.(?:json|geojson|ipynb|webmanifest)$/i;

/** @param name of the file: its extension tells JSON. */
export function mergeContents(name: string, base: Uint8Array, one: Uint8Array, other: Uint8Array): MergedContents {
  if (equalBytes(one, other) || equalBytes(base, other)) return { state: 'merged', bytes: one };
  if (equalBytes(base, one)) return { state: 'merged', bytes: other };
  const versions = [base, one, other];
  if (versions.some(({ length }) => length > mergeBytesMax)) return { state: 'apart', why: 'too-large' };
  const texts = versions.map(bytesToText);
  const [baseText, oneText, otherText] = texts;
  if (baseText === undefined || oneText === undefined || otherText === undefined) {
    return { state: 'apart', why: 'binary' };
  }
  const text = mergeByType(name, baseText, oneText, otherText);
  return text === undefined ? { state: 'apart', why: 'conflict' } : { state: 'merged', bytes: utf8(text) };
}

function mergeByType(name: string, base: string, one: string, other: string): string | undefined {
  if (!jsonName.test(name)) return mergeText(base, one, other);
  const merged = mergeJson(base, one, other);
  if (merged.state === 'merged') return merged.text;
  // By lines, an edit that the structure refuses could become JSON that says what neither side did.
  return merged.state === 'conflict' ? undefined : mergeText(base, one, other);
}

/** Undefined for what is not text. */
export function bytesToText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return utf8ToText(bytes);
  } catch {
    return undefined;
  }
}
