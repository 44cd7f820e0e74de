import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

function path(relative: string): string {
  return fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
}

test('the WebAssembly that is checked in is what its source builds', () => {
  const built = execFileSync(process.execPath, [path('scripts/build-wasm.mjs'), '--print'], { encoding: 'utf8' });
  assert.equal(readFileSync(path('shared/core/chunk/cut-wasm-base64.ts'), 'utf8'), built, 'run: npm run build:wasm');
});
