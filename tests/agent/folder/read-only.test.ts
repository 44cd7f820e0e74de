/** Files read-only while the server cannot be reached: on a real disk, with real permissions. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { withReadOnlyOffline } from '../../../client/agent/engine/read-only-offline.ts';
import type { Engine } from '../../../client/agent/engine/engine.ts';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import { holdReadOnly, isHeldReadOnly, releaseReadOnly } from '../../../client/agent/folder/read-only.ts';
import { toStatMark } from '../../../client/agent/folder/stat-mark.ts';
import { type Journal, createJournal } from '../../../client/agent/journal/journal.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import {
  type NodeId,
  bytesToDeviceId,
  bytesToNodeId,
  bytesToWorkspaceId,
  rootNodeId,
} from '../../../shared/core/ids.ts';

const fs = createNodeFileSystem();
let base: string;
let root: string;
let journal: Journal;
const id = (n: number) => bytesToNodeId(new Uint8Array(16).fill(n));

before(() => void (base = mkdtempSync(join(tmpdir(), 'tidemark-read-only-'))));
after(() => rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(base, 'root-'));
  mkdirSync(join(root, 'd'));
  journal = createJournal(':memory:', {
    workspaceId: bytesToWorkspaceId(new Uint8Array(16).fill(1)),
    deviceId: bytesToDeviceId(new Uint8Array(16).fill(2)),
    server: 'http://server.test',
    user: 'ann',
  });
  const stat = toStatMark(fs.lstat(join(root, 'd'))!);
  const entry = { kind: 'folder' as const, nodeId: id(9), version: [], mtimeMs: 0, mode: 0 };
  journal.trees.rebase(id(9), { parentId: rootNodeId, name: 'd', entry, stat });
  journal.trees.setLocal(id(9), {
    nodeId: id(9),
    parentId: rootNodeId,
    name: 'd',
    kind: 'folder',
    content: null,
    target: null,
    stat,
  });
});

/** A synced file in `d`, with these permissions. */
function addFile(n: number, name: string, mode: number): string {
  const path = join(root, 'd', name);
  writeFileSync(path, name);
  chmodSync(path, mode);
  const stat = toStatMark(fs.lstat(path)!);
  const content = blake3Digest(utf8(name));
  const entry = {
    kind: 'file' as const,
    nodeId: id(n),
    version: [],
    mtimeMs: 0,
    mode: stat.mode,
    size: stat.size,
    content,
  };
  journal.trees.rebase(id(n), { parentId: id(9), name, entry, stat });
  journal.trees.setLocal(id(n), { nodeId: id(n), parentId: id(9), name, kind: 'file', content, target: null, stat });
  return path;
}

const modeOf = (path: string) => statSync(path).mode & 0o7777;
const folder = () => ({ fs, root, journal });

/** Whether the scanner would take the file for what it is known as. */
function isKnown(nodeId: NodeId, path: string): boolean {
  return JSON.stringify(journal.trees.getLocal(nodeId)?.stat) === JSON.stringify(toStatMark(fs.lstat(path)!));
}

describe('read-only while offline', () => {
  it('takes write permissions and gives back exactly those, and the scanner sees no change', () => {
    const modes = [0o644, 0o755, 0o600, 0o664, 0o777, 0o444, 0o555, 0o4755];
    const paths = modes.map((mode, i) => addFile(i + 1, `${i}`, mode));
    assert.equal(holdReadOnly(folder()), 6);
    for (const [i, path] of paths.entries()) {
      assert.equal(modeOf(path), modes[i]! & ~0o222);
      assert.ok(isKnown(id(i + 1), path));
      assert.ok(!journal.trees.isLocalChange(id(i + 1)));
    }
    assert.equal(holdReadOnly(folder()), 0, 'doing it again takes nothing');
    assert.equal(releaseReadOnly(folder()), 6);
    for (const [i, path] of paths.entries()) {
      assert.equal(modeOf(path), modes[i]!);
      assert.ok(isKnown(id(i + 1), path));
    }
    assert.ok(!isHeldReadOnly(journal));
  });

  it('is repaired after a crash at any call of the file system, on either way', () => {
    for (let n = 0; ; n++) {
      const paths = [0o644, 0o755].map((mode, i) => addFile(i + 1, `${n}-${i}`, mode));
      let left = n;
      const crashing = {
        ...fs,
        setWriteBits: (path: string, bits: number) => {
          if (left-- === 0) throw new RangeError('crashed');
          fs.setWriteBits!(path, bits);
        },
      };
      let crashed = false;
      try {
        holdReadOnly({ ...folder(), fs: crashing });
        releaseReadOnly({ ...folder(), fs: crashing });
      } catch (error) {
        assert.ok(error instanceof RangeError);
        crashed = true;
      }
      releaseReadOnly(folder());
      assert.deepEqual(paths.map(modeOf), [0o644, 0o755], `after a crash at call ${n}`);
      assert.ok(!isHeldReadOnly(journal));
      for (const [i, path] of paths.entries()) {
        rmSync(path);
        journal.trees.rebase(id(i + 1), undefined);
        journal.trees.setLocal(id(i + 1), undefined);
      }
      if (!crashed) return;
    }
  });

  it('leaves alone what the person did meanwhile: permissions, another file in its place, edits', () => {
    const [own, replaced, edited] = [
      addFile(1, 'own', 0o644),
      addFile(2, 'replaced', 0o644),
      addFile(3, 'edited', 0o644),
    ];
    holdReadOnly(folder());
    chmodSync(own, 0o600);
    writeFileSync(`${replaced}.new`, 'new');
    chmodSync(`${replaced}.new`, 0o440);
    renameSync(`${replaced}.new`, replaced);
    chmodSync(edited, 0o644);
    writeFileSync(edited, 'edited by hand');
    chmodSync(edited, 0o444);
    releaseReadOnly(folder());
    assert.deepEqual([own, replaced, edited].map(modeOf), [0o600, 0o440, 0o644]);
    assert.ok(!isKnown(id(3), edited), 'the edit is still found');
  });

  it('a file of which the disk failed once gets its permission back by the next try', () => {
    const path = addFile(1, 'file', 0o644);
    holdReadOnly(folder());
    const failing = {
      ...fs,
      setWriteBits: () => {
        throw Object.assign(new Error('EIO: i/o error, chmod'), { code: 'EIO' });
      },
    };
    assert.equal(releaseReadOnly({ ...folder(), fs: failing }), 0);
    assert.ok(isHeldReadOnly(journal));
    assert.equal(releaseReadOnly(folder()), 1);
    assert.deepEqual([modeOf(path), isHeldReadOnly(journal)], [0o644, false]);
  });

  it('a moved file gets its permission back when it is known where it is', () => {
    const path = addFile(1, 'here', 0o644);
    holdReadOnly(folder());
    const there = join(root, 'there');
    renameSync(path, there);
    assert.equal(releaseReadOnly(folder()), 0);
    assert.ok(isHeldReadOnly(journal));
    journal.trees.setLocal(id(1), { ...journal.trees.getLocal(id(1))!, parentId: rootNodeId, name: 'there' });
    assert.equal(releaseReadOnly(folder()), 1);
    assert.equal(modeOf(there), 0o644);
  });

  it('goes with the syncs: held when the server is away, given back before anything is synced, and only where it was chosen', async () => {
    const path = addFile(1, 'file', 0o644);
    let isAway = true;
    const seen: number[] = [];
    const unavailable = () => new TidemarkError('unavailable', 'the server cannot be reached');
    const bare = {
      sync: async () => {
        seen.push(modeOf(path));
        if (isAway) throw unavailable();
        return undefined;
      },
    } as unknown as Engine;
    const reach = async () => {
      if (isAway) throw unavailable();
    };
    const engine = withReadOnlyOffline(bare, folder(), reach);
    const sync = () => engine.sync(new AbortController().signal);
    await assert.rejects(sync(), { code: 'unavailable' });
    assert.equal(modeOf(path), 0o644, 'nobody chose it');
    journal.meta.readOnlyOffline = true;
    for (const _ of [1, 2]) {
      await assert.rejects(sync(), { code: 'unavailable' });
      assert.equal(modeOf(path), 0o444);
    }
    isAway = false;
    await sync();
    assert.equal(modeOf(path), 0o644);
    assert.deepEqual(seen, [0o644, 0o644, 0o644], 'no sync ran on a held folder');
    isAway = true;
    await assert.rejects(sync(), { code: 'unavailable' });
    journal.meta.readOnlyOffline = false;
    await assert.rejects(sync(), { code: 'unavailable' });
    assert.equal(modeOf(path), 0o644, 'taken back');
  });
});
