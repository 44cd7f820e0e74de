/**
 * The door for msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md) from anywhere outside. Everything of ours
 * is arrays, integers, text, bytes, booleans and nil: maps, floats and extensions are refused.
 *
 * The library's decoder allocates an array as long as its header says, at each level of nesting: 16 bytes of input could
 * ask for gigabytes. So the bytes are walked once before, allocating nothing: nesting, the number of values, every length
 * against what is left, UTF-8 of every text, and nothing after the end. What the library gets afterwards allocates in
 * proportion to the input.
 *
 * Worked example: dd ff ff ff ff (an array of 2^32 - 1) is refused at byte 0: four billion values do not fit in no bytes.
 */
import { decode } from '@msgpack/msgpack';
import { TidemarkError } from './errors.ts';
import { limits } from './limits.ts';

export interface MsgpackCaps {
  /** What the bytes are, for the error message: `a segment`. */
  readonly what: string;
  /** Arrays inside arrays: 1 is a flat array. */
  readonly depthMax: number;
  /** Values altogether, arrays included. */
  readonly valuesMax: number;
}

function malformed(caps: MsgpackCaps, why: string, at: number): TidemarkError {
  return new TidemarkError('malformed', `${caps.what} is not of its form: ${why}`, { data: { at } });
}

/** Bytes of the header (marker included), bytes of content after it, and values inside. */
interface Head {
  header: number;
  content: number;
  items: number;
  isText: boolean;
}

function uintAt(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function setHead(head: Head, header: number, content: number, items: number, isText: boolean): true {
  head.header = header;
  head.content = content;
  head.items = items;
  head.isText = isText;
  return true;
}

/** Reads the header at `at` into `head`; false for a kind that is refused. A header cut short reads as zeros: the caller checks the end. */
function readHead(bytes: Uint8Array, at: number, head: Head): boolean {
  const marker = bytes[at]!;
  if (marker < 0x80 || marker >= 0xe0) return setHead(head, 1, 0, 0, false);
  if (marker >= 0x90 && marker < 0xa0) return setHead(head, 1, 0, marker & 0x0f, false);
  if (marker >= 0xa0 && marker < 0xc0) return setHead(head, 1, marker & 0x1f, 0, true);
  switch (marker) {
    case 0xc0: // nil, false, true
    case 0xc2:
    case 0xc3:
      return setHead(head, 1, 0, 0, false);
    case 0xc4: // bin 8, 16, 32
    case 0xc5:
    case 0xc6: {
      const width = 1 << (marker - 0xc4);
      return setHead(head, 1 + width, uintAt(bytes, at + 1, width), 0, false);
    }
    case 0xcc: // uint 8, 16, 32, 64
    case 0xcd:
    case 0xce:
    case 0xcf:
      return setHead(head, 1 + (1 << (marker - 0xcc)), 0, 0, false);
    case 0xd0: // int 8, 16, 32, 64
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return setHead(head, 1 + (1 << (marker - 0xd0)), 0, 0, false);
    case 0xd9: // str 8, 16, 32
    case 0xda:
    case 0xdb: {
      const width = 1 << (marker - 0xd9);
      return setHead(head, 1 + width, uintAt(bytes, at + 1, width), 0, true);
    }
    case 0xdc: // array 16, 32
      return setHead(head, 3, 0, uintAt(bytes, at + 1, 2), false);
    case 0xdd:
      return setHead(head, 5, 0, uintAt(bytes, at + 1, 4), false);
    default:
      return false;
  }
}

/** Whether bytes from `start` to `end` are UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing over U+10FFFF. */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const more =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (more === 0 || at + more >= end) return false;
    const second = bytes[at + 1]!;
    const secondMin = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const secondMax = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < secondMin || second > secondMax) return false;
    for (let i = 2; i <= more; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return false;
    at += more + 1;
  }
  return true;
}

/** Throws `malformed` or `too-large` unless the bytes are exactly one value within the caps. */
export function checkMsgpack(bytes: Uint8Array, caps: MsgpackCaps): void {
  const head: Head = { header: 0, content: 0, items: 0, isText: false };
  /** Values still to come at each open level; the outermost waits for the one value. */
  const open: number[] = [1];
  let values = 0;
  let at = 0;
  while (open.length > 0) {
    const last = open.length - 1;
    if (open[last] === 0) {
      open.pop();
      continue;
    }
    open[last]!--;
    if (at >= bytes.length) throw malformed(caps, 'it ends early', at);
    if (!readHead(bytes, at, head)) throw malformed(caps, 'a map, a float or an extension', at);
    const end = at + head.header + head.content;
    if (end > bytes.length || head.items > bytes.length - end) throw malformed(caps, 'it ends early', at);
    if (++values + head.items > caps.valuesMax) {
      throw new TidemarkError('too-large', `${caps.what} has more than ${caps.valuesMax} values`);
    }
    if (head.isText && !isUtf8(bytes, at + head.header, end)) throw malformed(caps, 'a text is not UTF-8', at);
    if (isArrayMarker(bytes[at]!)) {
      if (open.length > caps.depthMax) throw malformed(caps, `arrays are nested over ${caps.depthMax} deep`, at);
      open.push(head.items);
    }
    at = end;
  }
  if (at !== bytes.length) throw malformed(caps, 'bytes follow its end', at);
}

function isArrayMarker(marker: number): boolean {
  return (marker & 0xf0) === 0x90 || marker === 0xdc || marker === 0xdd;
}

/**
 * The value of some bytes from outside. Bytes in it are views of the input; integers beyond 2^53 lose precision, so a
 * reader checks that they are safe. Throws `malformed` or `too-large`, and nothing else.
 */
export function decodeMsgpack(bytes: Uint8Array, caps: MsgpackCaps): unknown {
  checkMsgpack(bytes, caps);
  try {
    return decode(bytes);
  } catch (cause) {
    throw new TidemarkError('malformed', `${caps.what} is not of its form`, { cause });
  }
}

/** Caps of one wire message. */
export const wireCaps: MsgpackCaps = {
  what: 'the message',
  depthMax: limits.wireDepthMax,
  valuesMax: limits.wireValuesMax,
};
