/**
 * Block codecs on Node: LZ4 by the WebAssembly of the package lz4-wasm-nodejs (lz4_flex), zstd by node:zlib.
 *
 * The package's own glue copies each input twice, and keeps using an instance after a trap, whose stack pointer and heap
 * are then unsound. So its WebAssembly is driven from here: a trap or a memory that grew large discards the instance, and
 * the next call makes a new one (the module is compiled once).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { TidemarkError } from '../../core/errors.ts';
import type { Codec, Codecs } from '../../core/pack/codecs.ts';

/** The little of WebAssembly that is used here: no host's types declare all of it. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, () => number>>>>,
  ) => { readonly exports: unknown };
}

const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;

/** What the package exports; wasm-bindgen's conventions, version 0.9.2, pinned in package.json. */
interface Lz4Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  __wbindgen_malloc(length: number): number;
  __wbindgen_free(pointer: number, length: number): void;
  __wbindgen_add_to_stack_pointer(delta: number): number;
  /** Writes (pointer, length) to `result`; takes over and frees the input. */
  compress(result: number, pointer: number, length: number): void;
  /** Writes (pointer, length, error handle, failed) to `result`; takes over and frees the input. */
  decompress(result: number, pointer: number, length: number): void;
}

/** The package's blocks begin with the plain length, u32le; ours do not. */
const prefixBytes = 4;
/** An instance whose memory grew beyond this is let go, since WebAssembly memory never shrinks. */
const memoryBytesMax = 32 * 1024 * 1024;

let lz4Module: object | undefined;
let lz4Instance: Lz4Exports | undefined;

function startLz4(): Lz4Exports {
  if (lz4Module === undefined) {
    const path = createRequire(import.meta.url).resolve('lz4-wasm-nodejs/lz4_wasm_nodejs_bg.wasm');
    lz4Module = new wasm.Module(readFileSync(path));
  }
  // The one import makes a string of an error's text: nobody reads it here, so any handle will do.
  const imports = { __wbindgen_placeholder__: { __wbindgen_string_new: () => 0 } };
  return new wasm.Instance(lz4Module, imports).exports as Lz4Exports;
}

function copyIn(lz4: Lz4Exports, bytes: Uint8Array, prefix: number | undefined): { pointer: number; length: number } {
  const before = prefix === undefined ? 0 : prefixBytes;
  const length = before + bytes.length;
  const pointer = lz4.__wbindgen_malloc(length);
  if (prefix !== undefined) new DataView(lz4.memory.buffer).setUint32(pointer, prefix, true);
  new Uint8Array(lz4.memory.buffer, pointer + before, bytes.length).set(bytes);
  return { pointer, length };
}

/** One call, on an instance that is kept only if nothing went wrong. Undefined when the input does not decode. */
function callLz4(name: 'compress' | 'decompress', bytes: Uint8Array, prefix?: number): Uint8Array | undefined {
  const lz4 = lz4Instance ?? startLz4();
  lz4Instance = undefined;
  const result = lz4.__wbindgen_add_to_stack_pointer(-16);
  const { pointer, length } = copyIn(lz4, bytes, prefix);
  lz4[name](result, pointer, length);
  const words = new Uint32Array(lz4.memory.buffer, result, 4);
  const failed = name === 'decompress' && words[3] !== 0;
  const [at, size] = [words[0]!, words[1]!];
  const from = at + (prefix === undefined ? prefixBytes : 0);
  const output = failed ? undefined : new Uint8Array(lz4.memory.buffer).slice(from, at + size);
  if (!failed) lz4.__wbindgen_free(at, size);
  lz4.__wbindgen_add_to_stack_pointer(16);
  if (lz4.memory.buffer.byteLength <= memoryBytesMax) lz4Instance = lz4;
  return output;
}

const lz4: Codec = {
  compress: (plain) => {
    const stored = callLz4('compress', plain);
    if (stored === undefined) throw new TidemarkError('internal', 'LZ4 did not compress');
    return stored;
  },
  decompress: (stored, plainLength) => {
    let plain: Uint8Array | undefined;
    try {
      plain = callLz4('decompress', stored, plainLength);
    } catch (cause) {
      if (!(cause instanceof Error) || cause.name !== 'RuntimeError') throw cause;
      throw new TidemarkError('corrupt', 'an LZ4 block does not decode', { cause });
    }
    if (plain?.length !== plainLength) throw new TidemarkError('corrupt', 'an LZ4 block does not decode to its length');
    return plain;
  },
};

/** Level 1: on source text within 6 % of level 3, and a quarter faster. */
const zstdLevel = 1;
/** 4 MiB, as long as a chunk: a frame that asks its decoder for a larger window is refused instead of allocated for. */
const zstdWindowLogMax = 22;

/** zlib fills buffers of this size one after another: one that holds all of the output saves joining them. */
function bufferBytes(outputBytes: number): number {
  return outputBytes + 1_024;
}

/** A plain array of its own. zlib's Buffer is a view of a longer one, and its `slice` shares memory where an array's copies. */
function ownBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}

const zstd: Codec = {
  compress: (plain) =>
    ownBytes(
      zstdCompressSync(plain, {
        params: { [constants.ZSTD_c_compressionLevel]: zstdLevel },
        pledgedSrcSize: plain.length,
        chunkSize: bufferBytes(plain.length),
      }),
    ),
  decompress: (stored, plainLength) => {
    let plain: Uint8Array;
    try {
      plain = zstdDecompressSync(stored, {
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax },
        maxOutputLength: Math.max(1, plainLength),
        chunkSize: bufferBytes(plainLength),
      });
    } catch (cause) {
      throw new TidemarkError('corrupt', 'a zstd frame does not decode', { cause });
    }
    if (plain.length !== plainLength) throw new TidemarkError('corrupt', 'a zstd frame does not decode to its length');
    return ownBytes(plain);
  },
};

export const nodeCodecs: Codecs = { lz4, zstd };
