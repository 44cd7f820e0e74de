/** A damaged file gives way, but never what somebody did to it since it was read. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import { toStatMark } from '../../../client/agent/folder/stat-mark.ts';
import { createJournal } from '../../../client/agent/journal/journal.ts';
import { setAside } from '../../../client/agent/verify/set-aside.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { bytesToDeviceId, bytesToNodeId, bytesToWorkspaceId, rootNodeId } from '../../../shared/core/ids.ts';

const fs = createNodeFileSystem();
const id = new Uint8Array(16).fill(7);
const nodeId = bytesToNodeId(id);
const content = blake3Digest(Uint8Array.of(1));

/** What becomes of a synced file that was found damaged, if this happens before it is set aside. */
function afterwards(act: (path: string) => void): { readonly aside: string | undefined; readonly isKnown: boolean } {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-set-aside-'));
  try {
    const server = { server: 'http://server.test', user: 'test|ann' };
    const device = { workspaceId: bytesToWorkspaceId(id), deviceId: bytesToDeviceId(id), ...server };
    const journal = createJournal(':memory:', device);
    const path = join(root, 'file.txt');
    writeFileSync(path, 'damaged');
    const stat = toStatMark(fs.lstat(path)!);
    const entry = { kind: 'file' as const, nodeId, version: [], mtimeMs: 0, mode: 0, size: stat.size, content };
    journal.trees.settle(nodeId, { parentId: rootNodeId, name: 'file.txt', entry, stat });
    act(path);
    const file = { nodeId, path: 'file.txt', size: stat.size, content, stat };
    const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    const aside = setAside(fs, root, journal, file, '2026-11-22');
    const left = aside ?? (before === undefined ? undefined : 'file.txt');
    if (left !== undefined) assert.equal(readFileSync(join(root, left), 'utf8'), before);
    return { aside, isKnown: journal.trees.getSynced(nodeId) !== undefined };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('a damaged file is renamed, and counts as never fetched', () => {
  const expected = { aside: 'file (damaged copy 2026-11-22).txt', isKnown: false };
  assert.deepEqual(
    afterwards(() => undefined),
    expected,
  );
});

test('a file that was saved, replaced, moved or deleted since it was read is left alone, in the journal too', () => {
  const acts: readonly ((path: string) => void)[] = [
    (path) => writeFileSync(path, 'saved by the user'),
    (path) => {
      writeFileSync(`${path}.new`, 'another');
      renameSync(`${path}.new`, path);
    },
    (path) => renameSync(path, `${path}.moved`),
    (path) => rmSync(path),
  ];
  for (const act of acts) assert.deepEqual(afterwards(act), { aside: undefined, isKnown: true });
});
