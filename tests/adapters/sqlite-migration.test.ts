/** A metadata file that an earlier version wrote opens, holds what it held, and is worked on. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { schemaSteps } from '../../shared/adapters/sqlite/schema.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { columnBytesAt, idToBytes } from '../../shared/core/ids.ts';
import type { Head } from '../../shared/ports/metadata-store.ts';
import {
  ann,
  bob,
  commitAfter,
  deviceOf,
  digestOf,
  firstHead,
  nodeIdOf,
  packOf,
  presenceOf,
  requestOf,
  sessionOf,
  versionOf,
  workspaceA,
  workspaceOf,
} from '../contracts/metadata-records.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

const pack = packOf('p', ['a', 'b']);
/** A head as the first schema had it tells neither a time nor a tally. */
const oldHead: Head = { ...commitAfter(firstHead, 1).next, timeMs: 0, tally: null };

/** A file of schema step 1 with a workspace, its head, one commit, a device, a session and a pack. */
async function writeOldFile(t: TestContext): Promise<string> {
  const file = path.join(await createTemporaryFolder(t), 'metadata.sqlite');
  const database = new DatabaseSync(file);
  const insert = (table: string, ...values: readonly (string | number | Uint8Array | null)[]): void => {
    database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values);
  };
  database.exec(schemaSteps[0]!);
  database.exec('PRAGMA user_version = 1');
  const workspace = idToBytes(workspaceA);
  const { record, request } = commitAfter(firstHead, 1);
  const [device, session] = [deviceOf(1), sessionOf(1, 9_000)];
  insert('workspaces', workspace, 'Plans', 'personal', 'copy', 'local', 1_000);
  insert('members', workspace, 0, bob, 'owner');
  insert('members', workspace, 1, ann, 'viewer');
  insert('devices', idToBytes(device.deviceId), device.userId, device.name, device.createdMs);
  const sessionIds = [session.sessionId, session.workspaceId].map(idToBytes);
  insert('sessions', ...sessionIds, ann, idToBytes(session.deviceId), 500, 9_000, session.packs);
  insert('packs', 5, workspace, idToBytes(pack.packId), pack.storedBytes, pack.etag, 1);
  for (const [i, place] of pack.places.entries()) {
    const { frameOffset, frameStored, frameRaw, codec, offset, length } = place;
    const hash = columnBytesAt(pack.hashes, i);
    insert('chunks', workspace, hash, 5, frameOffset, frameStored, frameRaw, codec, offset, length);
  }
  insert('objects', workspace, 1, idToBytes(digestOf('node')), new Uint8Array([1, 2, 3]));
  insert('heads', workspace, oldHead.seq, idToBytes(oldHead.root), idToBytes(oldHead.chain));
  insert('journal', workspace, record.seq, record.entry, record.editsHash && idToBytes(record.editsHash));
  const requestIds = [request.requestId, request.bodyHash].map(idToBytes);
  insert('requests', workspace, ...requestIds, request.answer, request.expiresMs);
  database.close();
  return file;
}

test('a file of schema step 1 opens and holds what it held', async (t) => {
  const file = await writeOldFile(t);
  const store = createSqliteMetadataStore({ file });
  t.after(() => store.close());
  assert.deepEqual(await store.workspaces.get(workspaceA), workspaceOf(workspaceA));
  assert.deepEqual(await store.workspaces.listOfMember(ann), [workspaceOf(workspaceA)]);
  assert.deepEqual(await store.devices.listOfUser(ann), [deviceOf(1)]);
  assert.deepEqual(await store.sessions.get(workspaceA, sessionOf(1, 0).sessionId, 0), sessionOf(1, 9_000));
  assert.deepEqual(await store.chunks.lookUp(workspaceA, pack.hashes), pack.places);
  assert.deepEqual(await store.chunks.usage(workspaceA), { packs: 1, chunks: 2, storedBytes: 1_000 });
  const objects = await store.objects.getObjects(workspaceA, 'node', [digestOf('node')]);
  assert.deepEqual(objects, [new Uint8Array([1, 2, 3])]);
  assert.deepEqual(await store.journal.getHead(workspaceA), oldHead);
  assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), [commitAfter(firstHead, 1).record]);
  assert.deepEqual(await store.journal.getRequest(workspaceA, requestOf(1).requestId), requestOf(1));
  assert.equal(await store.versions.projectedSeq(workspaceA), 0);
});

test('a file of schema step 1 is worked on: commits, changes, versions, forgetting, purging', async (t) => {
  const file = await writeOldFile(t);
  const store = createSqliteMetadataStore({ file });
  t.after(() => store.close());
  const commit = commitAfter(oldHead, 3);
  assert.equal(await store.journal.append(workspaceA, commit), 'appended');
  assert.deepEqual(await store.journal.getHead(workspaceA), commit.next);
  const renamed = workspaceOf(workspaceA, { name: 'Renamed', version: 2, sha256: true });
  assert.equal(await store.workspaces.replace(renamed), 'replaced');
  assert.deepEqual(await store.workspaces.get(workspaceA), renamed);
  assert.equal((await store.devices.revoke(deviceOf(1).deviceId, 9))?.revokedMs, 9);
  assert.equal(await store.versions.project(workspaceA, 0, 2, [versionOf(nodeIdOf(1), 2)]), 'projected');
  assert.equal((await store.leases.acquire('work', 'a', 0, 1))?.epoch, 1);
  const present = presenceOf(workspaceA, 1, 5_000);
  await store.presence.put(present);
  assert.deepEqual(await store.presence.list(workspaceA, 5_000, 10), [present]);
  await store.chunks.forgetPack(workspaceA, pack.packId);
  assert.deepEqual(await store.chunks.lookUp(workspaceA, pack.hashes), [undefined, undefined]);
  assert.equal(await store.purgeWorkspace(workspaceA, 100), 'done');
  assert.equal(await store.workspaces.get(workspaceA), undefined);
});

test('the steps that were released are the ones that they were', () => {
  // A file tells only how many steps it took: a released step that changes leaves files that nobody can tell apart.
  assert.equal(digestOf(schemaSteps[0]!).slice(0, 16), 'd13736177f8944d5');
  assert.equal(digestOf(schemaSteps[1]!).slice(0, 16), 'd3778599d10c5679');
});
