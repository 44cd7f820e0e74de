/**
 * The name of a conflict copy, from the operation alone, so that every replay of the journal gives the same:
 *
 *     conflictName('report.docx', "Ann's laptop", Date.UTC(2026, 10, 22), 1)
 *         = "report (conflicted copy of Ann's laptop 2026-11-22).docx"
 *     with n = 2:  "report (conflicted copy of Ann's laptop 2026-11-22 2).docx"
 *
 * The extension stays at the end, so that the copy opens with the same program. The date is the author's clock in UTC: it
 * is for people, and orders nothing.
 */
import { utf8 } from '../bytes.ts';
import { limits } from '../limits.ts';

/** An extension longer than this is a sentence with a dot in it. */
const extensionBytesMax = 32;
const dateMsMax = 8_640_000_000_000_000;
const compressedTar = /\.tar\.(?:gz|bz2|xz|zst|lz4?|lzma|lzo|br|z)$/i;

/** Where the extension begins, its dot included; the name's length when it has none (`.profile`, `Makefile`, `a.`). */
function extensionStart(name: string): number {
  const leadingDots = /^\.*/.exec(name)?.[0].length ?? 0;
  const tar = compressedTar.exec(name);
  if (tar !== null && tar.index > leadingDots) return tar.index;
  const dot = name.lastIndexOf('.');
  const extension = name.slice(dot);
  const isExtension =
    dot > leadingDots && extension.length > 1 && !/\s/.test(extension) && utf8(extension).length <= extensionBytesMax;
  return isExtension ? dot : name.length;
}

/** The longest beginning of `text`, in whole code points, of at most `bytesMax` UTF-8 bytes. */
export function truncateUtf8(text: string, bytesMax: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += utf8(character).length;
    if (bytes > bytesMax) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** A device's name as a part of a file name: nothing that a file system refuses or that hides or turns text around. */
function deviceNamePart(deviceName: string): string {
  const clean = deviceName
    .toWellFormed()
    .replace(/[<>:"/\\|?*]|\p{Cc}|\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return truncateUtf8(clean, limits.deviceNameBytesMax).trim() || 'another device';
}

/** The UTC date, `2026-11-22`; out-of-range clocks are clamped. */
function utcDate(clockMs: number): string {
  const ms = Number.isFinite(clockMs) ? Math.min(dateMsMax, Math.max(-dateMsMax, clockMs)) : 0;
  return new Date(ms).toISOString().split('T', 1)[0]!;
}

/**
 * The name for a conflict copy of `name` by the device of that name: at most 255 bytes, the stem shortened where needed.
 * `n` counts from 1; from 2 on it stands in the name, for when the ones before are taken.
 */
export function conflictName(name: string, deviceName: string, clockMs: number, n: number): string {
  const number = n >= 2 ? ` ${n}` : '';
  return annotateName(name, `conflicted copy of ${deviceNamePart(deviceName)} ${utcDate(clockMs)}${number}`);
}

/** `a.txt` with the note `damaged copy` is `a (damaged copy).txt`: at most 255 bytes, the stem shortened where needed. */
export function annotateName(name: string, note: string): string {
  const at = extensionStart(name);
  const rest = ` (${note})${name.slice(at)}`;
  return truncateUtf8(name.slice(0, at), limits.nameBytesMax - utf8(rest).length) + rest;
}

export interface ConflictName {
  /** The name that it is a copy of; a beginning of it where the copy's had to be cut short. */
  readonly original: string;
  readonly deviceName: string;
  /** `2026-11-22` */
  readonly date: string;
}

const mark =
  /^(?<stem>.*) \(conflicted copy of (?<deviceName>.+) (?<date>[+-]?\d{4,6}-\d\d-\d\d)(?: \d+)?\)(?<extension>(?:\.\S+)?)$/su;

/** What a name tells that conflictName gives; undefined for any other. Of a copy of a copy: what the outer one tells. */
export function parseConflictName(name: string): ConflictName | undefined {
  const groups = mark.exec(name)?.groups;
  if (groups === undefined) return undefined;
  const { stem = '', deviceName = '', date = '', extension = '' } = groups;
  return { original: stem + extension, deviceName, date };
}
