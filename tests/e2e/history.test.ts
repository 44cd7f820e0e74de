/**
 * History over the real stack, with real folders: SHA-256 kept and checked, old trees listed, and a folder brought back; on both
 * kinds of storage.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { bytesToRequestId, parseDigest } from '../../shared/core/ids.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { decodeEntry } from '../../shared/core/tree/entry.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';
import { type World, onEachStorage } from './world.ts';

onEachStorage((open) => {
  let world: World;
  let a: Device;
  let b: Device;
  let client: StackClient;

  before(async () => {
    world = await open();
    const { server } = world.stack.endpoints;
    [a, b] = [world.device('a'), world.device('b')];
    await a.run('login', '--dev', '--server', server, '--user', 'ann');
    await a.run('create', 'evidence', '--sha256');
    await a.link(server, 'ann', 'evidence');
    await b.link(server, 'ann', 'evidence');
    client = await openClient(server, 'ann');
  });
  after(() => world.close());

  const settle = async () => {
    await a.sync();
    await b.sync();
    const figures = await a.sync();
    assert.ok(figures.upToDate);
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    return figures;
  };

  test('each file has its SHA-256 in the tree, the server finds the same, and a lost folder comes back without its content', async () => {
    const [workspace] = await client.api.listWorkspaces();
    const { workspaceId } = workspace!;
    assert.equal(workspace?.sha256, true);
    mkdirSync(join(a.folder, 'case/sub'), { recursive: true });
    writeFileSync(join(a.folder, 'case/note.txt'), 'seen at low tide');
    writeFileSync(join(a.folder, 'case/empty'), '');
    writeNoise(join(a.folder, 'case/sub/film.bin'), 9 * 1024 * 1024, 3);
    const { seq } = await settle();
    const listing = await client.api.listTree(workspaceId, 'case', null);
    const note = decodeEntry(listing.items.find(({ name }) => name === 'note.txt')!.entry);
    assert.ok(note.kind === 'file');
    assert.equal(note.sha256, parseDigest(createHash('sha256').update('seen at low tide').digest('hex')));
    const film = decodeEntry((await client.api.listTree(workspaceId, 'case/sub', null)).items[0]!.entry);
    assert.ok(film.kind === 'file' && film.sha256 !== undefined);
    const verified = await client.api.verifyContent({ workspaceId, root: film.content, sha256: film.sha256 });
    assert.deepEqual([verified.matches, verified.bytes], [true, film.size]);

    renameSync(join(a.folder, 'case/sub/film.bin'), join(a.folder, 'film elsewhere.bin'));
    writeFileSync(join(a.folder, 'case/note.txt'), 'altered');
    rmSync(join(a.folder, 'case/empty'));
    await settle();
    const names = async (at: number | string) =>
      (await client.api.treeAt(workspaceId, at, { path: 'case', after: null })).items.map(({ name }) => name);
    assert.deepEqual(await names(seq), ['empty', 'note.txt', 'sub']);
    assert.deepEqual(await names(new Date().toISOString()), ['note.txt', 'sub']);
    const { versions } = await client.api.nodeVersions(workspaceId, film.nodeId, null);
    assert.deepEqual(versions.map(({ change }) => change), ['moved', 'created']); // prettier-ignore

    const request = { deviceId: client.deviceId, seq, timeMs: null, nodeId: null, path: 'case' };
    const answer = await client.api.restore(workspaceId, request, bytesToRequestId(new Uint8Array(randomBytes(16))));
    assert.deepEqual([answer.restored, answer.moved, answer.deleted, answer.more], [2, 1, 0, false]);
    const figures = await b.sync();
    assert.ok(figures.bytesReceived < 1024 * 1024, `${figures.bytesReceived} bytes for a film that only moved`);
    const now = await settle();
    const tree = await client.api.fetchTree(workspaceId, new MemoryNodeSource());
    assert.equal(tree.head.root, now.root);
  });
});
