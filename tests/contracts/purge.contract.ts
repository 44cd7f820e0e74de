/** What purging a workspace owes: everything of it goes, in steps that may be repeated, and nothing of any other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { type WorkspaceId, digestsToColumn, parseWorkspaceId } from '../../shared/core/ids.ts';
import { type MetadataStore, objectKinds } from '../../shared/ports/metadata-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import {
  ann,
  commitAfter,
  deviceOf,
  digestOf,
  firstHead,
  nodeIdOf,
  packOf,
  presenceOf,
  quarantinedOf,
  requestIdOf,
  requestOf,
  sessionOf,
  versionOf,
  workspaceA,
  workspaceB,
  workspaceOf,
} from './metadata-records.ts';

const commits = [1, 2, 3] as const;
const packs = ['p', 'q'] as const;
const devices = [1, 2] as const;
const seenMs = Date.now();
/** Nobody ever made it. */
const workspaceNone = parseWorkspaceId('f'.repeat(32));

/** A workspace with some of everything; `n` tells its sessions from those of others. */
async function fill(store: MetadataStore, workspaceId: WorkspaceId, n: number): Promise<void> {
  await store.workspaces.create(workspaceOf(workspaceId, { deletedMs: 1 }), firstHead);
  let head = firstHead;
  for (const commit of commits) {
    const next = commitAfter(head, commit);
    assert.equal(await store.journal.append(workspaceId, next), 'appended');
    head = next.next;
  }
  await store.journal.recordRequest(workspaceId, requestOf(9));
  for (const pack of packs) {
    await store.chunks.record(workspaceId, packOf(pack, [`${pack} 1`, `${pack} 2`]), 1);
    await store.quarantine.record(quarantinedOf(workspaceId, pack, 1));
    await store.sessions.create({ ...sessionOf(n++, 5_000), workspaceId });
  }
  for (const device of devices) await store.presence.put(presenceOf(workspaceId, device, seenMs));
  for (const kind of objectKinds) {
    const objects = ['a', 'b'].map((name) => [digestOf(name), utf8(`${kind} ${name}`)] as const);
    await store.objects.putObjects(workspaceId, kind, new Map(objects));
  }
  await store.versions.project(workspaceId, 0, 3, [versionOf(nodeIdOf(1), 1), versionOf(nodeIdOf(1), 2)]);
}

/** Everything that can be asked about a workspace. */
async function describeWorkspace(store: MetadataStore, workspaceId: WorkspaceId, n: number) {
  const chunks = packs.flatMap((pack) => [`${pack} 1`, `${pack} 2`]).map(digestOf);
  const sessions = packs.map((_, i) => store.sessions.get(workspaceId, sessionOf(n + i, 0).sessionId, 0));
  const objects = objectKinds.map((kind) =>
    store.objects.getObjects(workspaceId, kind, [digestOf('a'), digestOf('b'), digestOf('c')]),
  );
  return {
    record: await store.workspaces.get(workspaceId),
    listed: (await store.workspaces.listOfMember(ann)).some((workspace) => workspace.workspaceId === workspaceId),
    head: await store.journal.getHead(workspaceId),
    journal: await store.journal.list(workspaceId, 0, 100, 1e6),
    requests: await Promise.all([...commits, 9].map((id) => store.journal.getRequest(workspaceId, requestIdOf(id)))),
    chunks: await store.chunks.lookUp(workspaceId, digestsToColumn(chunks)),
    hasPacks: await store.chunks.hasPacks(workspaceId, digestsToColumn(packs.map(digestOf))),
    packs: await store.chunks.listPacks(workspaceId, null, 10),
    usage: await store.chunks.usage(workspaceId),
    objects: await Promise.all(objects),
    sessions: await Promise.all(sessions),
    projectedSeq: await store.versions.projectedSeq(workspaceId),
    versions: await store.versions.list(workspaceId, nodeIdOf(1), 100, 10),
    quarantine: await store.quarantine.list(workspaceId, null, 10),
    presence: (await store.presence.list(workspaceId, seenMs, 10)).toSorted((a, b) =>
      a.deviceId < b.deviceId ? -1 : 1,
    ),
  };
}

/** More steps than any purge of these tests can need. */
const stepsMax = 200;

/** Purges to the end, looking after each step; another instance takes each step where there can be one. */
async function purgeAll(
  made: Awaited<ReturnType<MakeMetadataStore>>,
  limit: number,
  look: (store: MetadataStore) => Promise<void>,
): Promise<number> {
  let store = made.store;
  for (let steps = 1; steps <= stepsMax; steps++) {
    if ((await store.purgeWorkspace(workspaceA, limit)) === 'done') return steps;
    // A crash after this step: what has been done is done, and whoever comes next goes on.
    store = (await made.reopen?.()) ?? store;
    await look(store);
  }
  throw new assert.AssertionError({ message: 'the purge does not end' });
}

export function purgeContract(make: MakeMetadataStore): void {
  for (const limit of [1, 3, 1_000]) {
    test(`a purge by ${limit} rows leaves nothing of the workspace, and every other as it was`, async (t) => {
      const made = await make(t);
      await fill(made.store, workspaceA, 100);
      await fill(made.store, workspaceB, 200);
      await made.store.devices.register(deviceOf(1));
      const lease = await made.store.leases.acquire('work', 'a', 0, 10);
      const other = await describeWorkspace(made.store, workspaceB, 200);
      const steps = await purgeAll(made, limit, async (store) => {
        assert.deepEqual(await store.workspaces.get(workspaceA), workspaceOf(workspaceA, { deletedMs: 1 }));
        assert.notEqual(await store.journal.getHead(workspaceA), undefined);
        if (limit > 1) assert.deepEqual(await describeWorkspace(store, workspaceB, 200), other);
      });
      assert.ok(limit > 1 || steps > 5, `${steps} steps by one row each`);
      const gone = await describeWorkspace(made.store, workspaceNone, 300);
      assert.deepEqual(await describeWorkspace(made.store, workspaceA, 100), gone);
      assert.deepEqual(await describeWorkspace(made.store, workspaceB, 200), other);
      assert.deepEqual(await made.store.devices.get(deviceOf(1).deviceId), deviceOf(1));
      assert.deepEqual(await made.store.leases.list('work'), [lease]);
    });
  }

  test('purging what is not there is done at once, again and again', async (t) => {
    const made = await make(t);
    assert.equal(await made.store.purgeWorkspace(workspaceA, 10), 'done');
    await fill(made.store, workspaceA, 100);
    await purgeAll(made, 1_000, async () => {});
    assert.equal(await made.store.purgeWorkspace(workspaceA, 1), 'done');
  });

  test('two purges of one workspace at once end both', async (t) => {
    const made = await make(t);
    await fill(made.store, workspaceA, 100);
    await Promise.all([purgeAll(made, 2, async () => {}), purgeAll(made, 3, async () => {})]);
    const gone = await describeWorkspace(made.store, workspaceNone, 300);
    assert.deepEqual(await describeWorkspace(made.store, workspaceA, 100), gone);
  });

  test('a workspace of the same id may be made anew', async (t) => {
    const made = await make(t);
    await fill(made.store, workspaceA, 100);
    await purgeAll(made, 1_000, async () => {});
    const anew = workspaceOf(workspaceA, { name: 'Anew' });
    assert.deepEqual(await made.store.workspaces.create(anew, firstHead), anew);
    assert.deepEqual(await made.store.journal.getHead(workspaceA), firstHead);
    assert.equal(await made.store.journal.append(workspaceA, commitAfter(firstHead, 1)), 'appended');
  });
}
