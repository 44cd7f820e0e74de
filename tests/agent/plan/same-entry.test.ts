/** Two entries are the same exactly when their bytes are: else the mark of what was agreed on is not the workspace's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameEntry } from '../../../client/agent/plan/same-entry.ts';
import { equalBytes } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { bytesToDeviceId, bytesToNodeId } from '../../../shared/core/ids.ts';
import { type Entry, encodeEntry } from '../../../shared/core/tree/entry.ts';

const [one, other] = [Uint8Array.of(1), Uint8Array.of(2)].map((bytes) => blake3Digest(bytes));
const id = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const base = { nodeId: bytesToNodeId(id(1)), version: [[bytesToDeviceId(id(2)), 1]], mtimeMs: 1, mode: 0 } as const;
const file = { kind: 'file', ...base, size: 1, content: one! } as const;
const link = { kind: 'symlink', ...base, target: 'a' } as const;

const entries: readonly Entry[] = [
  file,
  { ...file, nodeId: bytesToNodeId(id(3)) },
  { ...file, version: [[bytesToDeviceId(id(2)), 2]] },
  { ...file, version: [] },
  { ...file, mtimeMs: 2 },
  { ...file, mode: 0o111 },
  { ...file, size: 2 },
  { ...file, content: other! },
  { ...file, sha256: one! },
  { ...file, sha256: other! },
  link,
  { ...link, target: 'b' },
  { kind: 'folder', ...base },
];

test('entries that differ in anything at all are not the same', () => {
  for (const a of entries) {
    for (const b of entries) assert.equal(sameEntry(a, b), equalBytes(encodeEntry(a), encodeEntry(b)));
  }
});
