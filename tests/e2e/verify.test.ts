/** `tide verify` finds what no stat tells of, and `--repair` puts it right without losing a byte. */
import assert from 'node:assert/strict';
import { closeSync, lstatSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import type { FileSystem } from '../../client/agent/file-system.ts';
import { readLink } from '../../client/agent/folder/control-folder.ts';
import { createNodeFileSystem } from '../../client/agent/folder/node-file-system.ts';
import { openJournal } from '../../client/agent/journal/journal.ts';
import { setAside } from '../../client/agent/verify/set-aside.ts';
import type { VerifyResult } from '../../client/cli/actions/verify.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { rootNodeId } from '../../shared/core/ids.ts';
import { runNear } from './near-device.ts';
import { runTide } from './tide-process.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

const MiB = 1024 * 1024;
let world: World;
let a: Device;

before(async () => {
  world = await openWorld();
  [a] = await openSharedFolder(world, 'sound', 'near');
  writeNoise(join(a.folder, 'large.bin'), 5 * MiB, 3);
  writeFileSync(join(a.folder, 'small.txt'), 'small');
  writeFileSync(join(a.folder, 'empty.txt'), '');
  await a.sync();
  // What was written while it was looked at is looked at again: only then its stat is trusted.
  await a.sync();
});
after(() => world.close());

async function verify(...options: readonly string[]): Promise<VerifyResult & { readonly code: number | null }> {
  const { code, stdout } = await runNear(a, ['verify', a.folder, '--json', ...options]);
  return { ...(JSON.parse(stdout) as VerifyResult), code };
}

function inJournal(sql: string, ...values: readonly (string | number)[]): void {
  const journal = new DatabaseSync(join(a.folder, '.tidemark/journal.db'));
  journal.prepare(sql).run(...values);
  journal.close();
}

/** One bit of a file turns over and its stat stays: as nobody can write so, the journal is told the new times instead. */
function rot(name: string, at: number): void {
  const path = join(a.folder, name);
  const byte = readFileSync(path)[at]! ^ 1;
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte), 0, 1, at);
  closeSync(file);
  const { mtimeMs, ctimeMs } = lstatSync(path);
  inJournal('UPDATE synced SET mtime_ms = ?, ctime_ms = ? WHERE name = ?', mtimeMs, ctimeMs, name);
}

test('a folder that is as it was synced is sound: every byte was read', async () => {
  const result = await verify();
  assert.deepEqual([result.code, result.sound, result.mark.state, result.waiting], [exitCodes.ok, true, 'same', 0]);
  assert.deepEqual([result.files, result.bytes], [3, 5 * MiB + 'small'.length]);
});

test('an edit that waits to be synced is no damage', async () => {
  writeFileSync(join(a.folder, 'small.txt'), 'edited');
  const result = await verify();
  assert.deepEqual([result.sound, result.waiting, result.mark.state], [true, 1, 'waiting']);
  await a.sync();
  await a.sync();
});

test('bits that turned over are found where sync sees nothing; repair fetches the file and keeps the damaged one', async () => {
  const good = readFileSync(join(a.folder, 'large.bin'));
  rot('large.bin', 4 * MiB);
  rot('small.txt', 2);
  assert.equal((await a.sync()).upToDate, true);
  const found = await verify();
  assert.equal(found.code, exitCodes.incomplete);
  assert.deepEqual(
    found.damaged.map(({ path }) => path),
    ['large.bin', 'small.txt'],
  );
  const rotten = readFileSync(join(a.folder, 'large.bin'));
  const { code, stdout } = await runTide(a, ['verify', a.folder, '--repair']);
  assert.equal(code, exitCodes.ok, stdout);
  assert.match(
    stdout,
    /repaired: large\.bin: fetched again; what was there is now large \(damaged copy \d{4}-\d\d-\d\d\)\.bin/,
  );
  assert.ok(readFileSync(join(a.folder, 'large.bin')).equals(good));
  const aside = readdirSync(a.folder).find((name) => name.startsWith('large (damaged copy '))!;
  assert.ok(readFileSync(join(a.folder, aside)).equals(rotten));
  const after = await verify();
  assert.deepEqual([after.sound, after.files], [true, 5]);
});

/** As verify sets a file aside, in a process that dies at one call to its disk. */
function setAsideAndDie(name: string, at: 'rename' | 'flushFolder'): void {
  const fs = createNodeFileSystem();
  const die = (): never => {
    throw new Error('died');
  };
  const deviceId = readLink(fs, a.folder)!.deviceId;
  const opened = openJournal(join(a.folder, '.tidemark/journal.db'), deviceId);
  assert.ok(opened.state === 'ready');
  const { journal } = opened;
  const node = journal.listings.remoteAt({ parentId: rootNodeId, name })!.entry;
  assert.ok(node.kind === 'file');
  const { stat } = journal.trees.getLocal(node.nodeId)!;
  const file = { nodeId: node.nodeId, path: name, size: node.size, content: node.content, stat };
  const dying = Object.assign(Object.create(fs) as FileSystem, { [at]: die });
  assert.throws(() => setAside(dying, a.folder, journal, file, '2026-11-22'), /died/);
  journal.close();
}

for (const at of ['rename', 'flushFolder'] as const) {
  test(`a repair that dies at its ${at} loses neither the damaged bytes nor the workspace's`, async () => {
    const name = `dies-at-${at}.txt`;
    writeFileSync(join(a.folder, name), 'as it was written');
    await a.sync();
    await a.sync();
    rot(name, 3);
    const rotten = readFileSync(join(a.folder, name), 'utf8');
    setAsideAndDie(name, at);
    assert.equal((await a.sync()).upToDate, true);
    assert.equal(readFileSync(join(a.folder, name), 'utf8'), 'as it was written');
    const copies = readdirSync(a.folder).filter((each) => each.startsWith(`dies-at-${at} (`));
    assert.deepEqual(copies.map((copy) => readFileSync(join(a.folder, copy), 'utf8')), [rotten]); // prettier-ignore
  });
}

test('without the server a repair changes nothing', async () => {
  rot('small.txt', 1);
  const names = readdirSync(a.folder);
  await world.stack.kill();
  const { code } = await runTide(a, ['verify', a.folder, '--repair', '--json']);
  assert.equal(code, exitCodes.unreachable);
  assert.deepEqual(readdirSync(a.folder), names);
});

test('a merge base that is not what the server signed, and a damaged commit in the outbox, are told', async () => {
  inJournal("INSERT INTO outbox (request_id, body, checksum) VALUES (?, x'00', 'wrong')", '0'.repeat(32));
  const { code, journalFaults } = await verify();
  assert.equal(code, exitCodes.incomplete);
  assert.match(journalFaults[0] ?? '', /waits to be sent, is not as it was written/);
  inJournal('DELETE FROM outbox');
  rmSync(join(a.folder, 'empty.txt'));
  inJournal("DELETE FROM synced WHERE name = 'empty.txt'");
  const { mark, sound } = await verify();
  assert.deepEqual([sound, mark.state], [false, 'differs']);
});
