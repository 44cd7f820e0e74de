/**
 * BLAKE3-256 (https://github.com/BLAKE3-team/BLAKE3-specs), plain and keyed. Every identity in Tidemark is one of these
 * digests. The default backend is hash-wasm, which runs everywhere; a host may install a faster one, which must give the
 * same digests (proved on the official vectors in tests/core). The choice changes speed only, never a result, so it is
 * the one piece of process-wide state that core allows itself.
 */
import { createBLAKE3, type IHasher } from 'hash-wasm';
import { utf8 } from '../bytes.ts';
import { type Digest, bytesToDigest } from '../ids.ts';

/** Incremental hashing of input that does not fit in memory. `digest` ends it. */
export interface Blake3Hasher {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export interface Blake3Backend {
  readonly name: string;
  /** 32 bytes. */
  hash(bytes: Uint8Array): Uint8Array;
  /** Hashing under a 32-byte key; hash functions for one key are made once and kept. */
  keyed(key: Uint8Array): (bytes: Uint8Array) => Uint8Array;
  /** A hasher of its own: any number may be in use at once. */
  hasher(): Blake3Hasher;
}

const wasmPlain = await createBLAKE3(256);
/** The two node keys of this design; hash-wasm needs a key when an instance is made, which is asynchronous. */
const nodeKeyTexts = ['tidemark merkle node v1', 'tidemark map node v1'] as const;

function once(hasher: IHasher, bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary');
}

const wasmKeyed = new Map<string, IHasher>();
for (const text of nodeKeyTexts) {
  const key = once(wasmPlain, utf8(text));
  wasmKeyed.set(key.join(), await createBLAKE3(256, key));
}

class WasmStream implements Blake3Hasher {
  #state: Uint8Array = wasmPlain.init().save();

  update(bytes: Uint8Array): void {
    this.#state = wasmPlain.load(this.#state).update(bytes).save();
  }

  digest(): Uint8Array {
    return wasmPlain.load(this.#state).digest('binary');
  }
}

export const wasmBlake3: Blake3Backend = {
  name: 'hash-wasm',
  hash: (bytes) => once(wasmPlain, bytes),
  keyed: (key) => {
    const hasher = wasmKeyed.get(key.join());
    if (hasher === undefined) throw new RangeError('this BLAKE3 backend knows only the keys of the Merkle nodes');
    return (bytes) => once(hasher, bytes);
  },
  hasher: () => new WasmStream(),
};

let backend: Blake3Backend = wasmBlake3;
let merkleNode = backend.keyed(once(wasmPlain, utf8(nodeKeyTexts[0])));
let mapNode = backend.keyed(once(wasmPlain, utf8(nodeKeyTexts[1])));

/** Installs a faster backend for this process or worker. Called by composition roots only. */
export function useBlake3(next: Blake3Backend): void {
  backend = next;
  merkleNode = next.keyed(once(wasmPlain, utf8(nodeKeyTexts[0])));
  mapNode = next.keyed(once(wasmPlain, utf8(nodeKeyTexts[1])));
}

/** For logs and benchmarks: what `useBlake3` installed last, `hash-wasm` before that. */
export function blake3BackendName(): string {
  return backend.name;
}

/** BLAKE3-256 of some bytes: 32 bytes. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return backend.hash(bytes);
}

/** BLAKE3-256 of some bytes, as hex. */
export function blake3Digest(bytes: Uint8Array): Digest {
  return bytesToDigest(backend.hash(bytes));
}

/** A hasher for input that comes in pieces; `digest` gives 32 bytes and ends it. */
export function createBlake3Hasher(): Blake3Hasher {
  return backend.hasher();
}

/** Keyed with BLAKE3("tidemark merkle node v1"): inner nodes of Merkle trees over chunks. */
export function merkleNodeHash(bytes: Uint8Array): Uint8Array {
  return merkleNode(bytes);
}

/** Keyed with BLAKE3("tidemark map node v1"): nodes of the Merkle map. */
export function mapNodeHash(bytes: Uint8Array): Uint8Array {
  return mapNode(bytes);
}
