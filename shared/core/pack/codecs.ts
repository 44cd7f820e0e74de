/** Block codecs of packs and of the wire. Pure functions; a port because the fast implementations differ by host. */

/** 0 raw, 1 LZ4 block, 2 zstd frame: the numbers stand in packs for ever. */
export const codecNumbers = { raw: 0, lz4: 1, zstd: 2 } as const;
export type CodecNumber = (typeof codecNumbers)[keyof typeof codecNumbers];

export interface Codec {
  /** A new array with the compressed bytes; may be longer than the input. */
  compress(plain: Uint8Array): Uint8Array;
  /**
   * Exactly `plainLength` bytes. Never allocates more than that (plus a fixed amount). Throws `corrupt` when the input does
   * not decode, or not to that length.
   */
  decompress(stored: Uint8Array, plainLength: number): Uint8Array;
}

export interface Codecs {
  readonly lz4: Codec;
  readonly zstd: Codec;
}
