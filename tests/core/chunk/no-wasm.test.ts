import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutLength, cutParams } from '../../../shared/core/chunk/cut.ts';
import { createCutWindow } from '../../../shared/core/chunk/cut-wasm.ts';
import { randomBytesOf } from './random-bytes.ts';

const params = cutParams(4096, 16384, 65536, 1);
const input = randomBytesOf('no wasm', 100_000);

function firstCut(): { length: number; usesWasm: boolean } {
  const window = createCutWindow(128 * 1024);
  window.bytes.set(input);
  // A WebAssembly window lies behind the tables in its memory; a plain one has its memory for itself.
  return { length: window.cutLength(params, 0, input.length), usesWasm: window.bytes.byteOffset > 0 };
}

/** Runs `body` with another value in the place of the global WebAssembly. */
function withWebAssembly<T>(value: unknown, body: () => T): T {
  const original = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')!;
  Object.defineProperty(globalThis, 'WebAssembly', { ...original, value });
  try {
    return body();
  } finally {
    Object.defineProperty(globalThis, 'WebAssembly', original);
  }
}

class Forbidden {
  constructor() {
    throw new Error('compiling is forbidden here');
  }
}

test('a host that has no WebAssembly, or forbids it, cuts in TypeScript, at the same place', () => {
  const length = cutLength(params, input, 0, input.length);
  assert.deepEqual(withWebAssembly(undefined, firstCut), { length, usesWasm: false });
  assert.deepEqual(withWebAssembly({ Module: Forbidden }, firstCut), { length, usesWasm: false });
  assert.deepEqual(firstCut(), { length, usesWasm: true });
});
