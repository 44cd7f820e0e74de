/**
 * Bodies on the wire: a message as msgpack, LZ4-wrapped where that helps (lz4-block-array.ts). Which form a body has is
 * seen from its first bytes, as in MessagePack-CSharp, so both share one media type. JSON, for people, is in json.ts.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMsgpack, wireCaps } from '../msgpack.ts';
import type { Codec } from '../pack/codecs.ts';
import { isLz4Wrapped, unwrapLz4, wrapLz4 } from './lz4-block-array.ts';
import type { Schema } from './schema.ts';

export { decodeJson, encodeJson } from './json.ts';

export const mediaTypes = { msgpack: 'application/msgpack', json: 'application/json' } as const;

/** The body of a message. With a codec, one over 1 KiB is wrapped if that makes it shorter. */
export function encodeBody<T>(schema: Schema<T>, value: T, lz4: Codec | null): Uint8Array {
  const plain = encode(schema.toWire(value)).slice();
  if (lz4 === null || plain.length <= limits.compressBytesMin) return plain;
  const wrapped = wrapLz4(plain, lz4);
  return wrapped.length < plain.length ? wrapped : plain;
}

/**
 * The message of a body from outside. Nothing over `bytesMax`, before and after decompression, is allocated. Bytes in the
 * message are views of the body: copy what outlives it. Throws `too-large`, `malformed`, `corrupt` (a broken LZ4
 * block), or `unsupported` when the body is compressed and there is no codec.
 */
export function decodeBody<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  lz4: Codec | null,
  bytesMax: number = limits.requestBytesMax,
): T {
  if (bytes.length > bytesMax)
    throw new TidemarkError('too-large', 'the message is over the limit', { data: { bytesMax } });
  let plain = bytes;
  if (isLz4Wrapped(bytes)) {
    if (lz4 === null) throw new TidemarkError('unsupported', 'the message is compressed with LZ4');
    plain = unwrapLz4(bytes, lz4, bytesMax);
  }
  return schema.fromWire(decodeMsgpack(plain, wireCaps), '');
}
