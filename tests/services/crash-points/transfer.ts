/** Crashes of uploads and their verification. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { digestsToColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { uploadSessionStatus } from '../../../shared/core/wire/upload-status.ts';
import { releaseQuarantined } from '../../../shared/services/admin/release-quarantined.ts';
import { purgeQuarantined } from '../../../shared/services/admin/purge-quarantined.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { packBlobName, stagedPackName } from '../../../shared/services/pack-name.ts';
import { quarantineName } from '../../../shared/services/quarantine/quarantine-name.ts';
import { reportQuarantined } from '../../../shared/services/quarantine/report-quarantined.ts';
import { sweep } from '../../../shared/services/sweep.ts';
import { verifyPack } from '../../../shared/services/verify-pack.ts';
import { verifyStagedPackOfSession } from '../../../shared/services/verify-staged-pack.ts';
import { must } from '../../api/world/calls.ts';
import { putOperation } from '../../api/world/test-device.ts';
import type { TestWorld } from '../../api/world/test-world.ts';
import { type CrashCase, crashCase } from './enumerate.ts';
import { type Start, ask, deliverQuarantine, listed, namesIn, on, packOf, seqsOf, stage, start } from './start.ts';

export const text = 'new content';
export const pack = packOf(text);
const badBytes = utf8('these bytes are no pack at all, however long they are looked at');

/** That the new content can be committed by a session and is there then. */
export async function commitNew({ ann }: Start, sessions: Parameters<Start['ann']['request']>[1]): Promise<void> {
  await must(ann.send(ann.request([putOperation({ node: 'new', name: 'new.txt', text })], sessions), 'commit new'));
}

export async function hasNew({ world, ann, workspaceId }: Start): Promise<void> {
  assert.equal((await listed(ann))['new.txt'], blake3Digest(utf8(text)));
  assert.deepEqual(await seqsOf(world, workspaceId), [1, 2]);
  const [place] = await world.deps.metadata.chunks.lookUp(workspaceId, digestsToColumn([blake3Digest(utf8(text))]));
  assert.equal(place?.packId, pack.packId);
}

export const openSession = crashCase({
  name: 'opening an upload session',
  steps: ['sessions.create'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => must(on(process, ann).openSession([utf8(text)])),
      after: async () => {
        const { session } = await ann.upload(utf8(text));
        await commitNew(begun, { sessions: [session.sessionId] });
      },
      check: () => hasNew(begun),
    };
  },
});

const uploadStatus = crashCase({
  name: 'asking for an upload session',
  steps: [],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    const { sessionId } = await must(ann.openSession([utf8(text)]));
    const path = `/upload/session/${sessionId}?workspace=${workspaceId}&staged=true`;
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'GET', path, uploadSessionStatus),
      check: async () => {
        assert.equal((await ask(world, 'GET', path, uploadSessionStatus)).packs[0]?.state, 'missing');
      },
    };
  },
});

const promote = crashCase({
  name: 'promoting and verifying a staged pack',
  steps: ['blobs.promote', 'chunks.record', 'blobs.deleteIfMatch'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    const { sessionId } = await must(ann.openSession([utf8(text)]));
    const staged = { workspaceId, sessionId, packId: pack.packId };
    const url = await world.blobs.stageUrl(stagedPackName(staged), limits.uploadUrlSeconds);
    await stage(world, url, pack.bytes);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => verifyStagedPackOfSession(deps, staged),
      after: () => commitNew(begun, { sessions: [sessionId] }),
      check: async () => {
        await hasNew(begun);
        assert.deepEqual(await namesIn(world, 'staging'), []);
        assert.deepEqual(await namesIn(world, 'quarantine'), []);
      },
    };
  },
});

const promoteBad = crashCase({
  name: 'promoting a staged pack of bad bytes',
  steps: ['blobs.promote', 'quarantine.record', 'queue.send', 'blobs.moveIfMatch', 'blobs.deleteIfMatch'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    const { sessionId } = await must(ann.openSession([utf8(text)]));
    const staged = { workspaceId, sessionId, packId: pack.packId };
    await stage(world, await world.blobs.stageUrl(stagedPackName(staged), limits.uploadUrlSeconds), badBytes);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => verifyStagedPackOfSession(deps, staged),
      after: async () => {
        await deliverQuarantine(world);
        const { session } = await ann.upload(utf8(text));
        await commitNew(begun, { sessions: [session.sessionId] });
      },
      check: async () => {
        await hasNew(begun);
        assert.deepEqual(await namesIn(world, 'staging'), []);
        // The copy may have been made twice: each is bad, and each is out of the way.
        assert.ok((await namesIn(world, 'quarantine')).length >= 1);
      },
    };
  },
});

export const verifyGood = crashCase({
  name: 'verifying a good pack',
  steps: ['chunks.record'],
  sameAnswer: true,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    const { session } = await ann.upload(utf8(text));
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => verifyPack(deps, { workspaceId, packId: pack.packId }),
      after: () => commitNew(begun, { sessions: [session.sessionId] }),
      check: () => hasNew(begun),
    };
  },
});

/** A bad pack under the name of a good one. */
export async function withBadPack(world?: TestWorld): Promise<Start & { readonly blobName: string }> {
  const begun = await start(world);
  const { blobs } = begun.world;
  const { workspaceId } = begun;
  const name = packBlobName(workspaceId, pack.packId);
  await blobs.put('chunks', name, badBytes);
  const { etag } = (await blobs.head('chunks', name))!;
  return { ...begun, blobName: quarantineName(workspaceId, pack.packId, etag) };
}

export const verifyBad = crashCase({
  name: 'verifying a bad pack',
  steps: ['quarantine.record', 'queue.send', 'blobs.moveIfMatch'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await withBadPack();
    const { world, ann, workspaceId, blobName } = begun;
    const reports: string[] = [];
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => verifyPack(deps, { workspaceId, packId: pack.packId }),
      after: async () => {
        reports.push(...(await deliverQuarantine(world)));
        const { session } = await ann.upload(utf8(text));
        await commitNew(begun, { sessions: [session.sessionId] });
      },
      check: async () => {
        await hasNew(begun);
        assert.ok(reports.includes('reported'));
        assert.deepEqual(await namesIn(world, 'quarantine'), [blobName]);
        assert.ok(await world.deps.metadata.quarantine.get(workspaceId, blobName));
      },
    };
  },
});

const report = crashCase({
  name: 'reporting a bad pack that a crash left where it was',
  steps: ['quarantine.record', 'queue.send', 'blobs.moveIfMatch'],
  sameAnswer: false,
  prepare: async () => {
    const { world, workspaceId, blobName } = await withBadPack();
    const { packId } = pack;
    const record = { workspaceId, packId, blobName, reason: 'bad', storedBytes: badBytes.length, foundMs: 0 };
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => reportQuarantined(deps, record),
      check: async (outcome) => {
        assert.equal(outcome, 'reported');
        assert.deepEqual(await namesIn(world, 'quarantine'), [blobName]);
        assert.deepEqual(await namesIn(world, 'chunks', packBlobName(workspaceId, packId)), []);
        assert.ok(await world.deps.metadata.quarantine.get(workspaceId, blobName));
      },
    };
  },
});

/** A good pack that was put into quarantine, as after a fault of ours that was mended since. */
async function quarantinedGood(bytes = pack.bytes): Promise<Start & { readonly blobName: string }> {
  const begun = await start();
  const { world, workspaceId } = begun;
  const name = packBlobName(workspaceId, pack.packId);
  await world.blobs.put('chunks', name, bytes);
  const { etag, length } = (await world.blobs.head('chunks', name))!;
  const blobName = quarantineName(workspaceId, pack.packId, etag);
  const record = { workspaceId, packId: pack.packId, blobName, reason: 'a test', storedBytes: length, foundMs: 0 };
  await world.deps.metadata.quarantine.record(record);
  await world.blobs.moveIfMatch('chunks', name, etag, 'quarantine');
  return { ...begun, blobName };
}

/** What was done already is not there to be done again. */
async function unlessDone(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!isTidemarkError(error, 'not-found')) throw error;
    return 'was done';
  }
}

const release = crashCase({
  name: 'releasing a pack from quarantine',
  steps: ['blobs.put', 'chunks.record', 'blobs.deleteIfMatch', 'quarantine.remove'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await quarantinedGood();
    const { world, workspaceId, blobName } = begun;
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => unlessDone(releaseQuarantined(deps, { workspaceId, blobName })),
      after: () => commitNew(begun, {}),
      check: async () => {
        await hasNew(begun);
        assert.deepEqual(await namesIn(world, 'quarantine'), []);
        assert.equal(await world.deps.metadata.quarantine.get(workspaceId, blobName), undefined);
      },
    };
  },
});

const purgeBad = crashCase({
  name: 'deleting a pack from quarantine',
  steps: ['blobs.deleteIfMatch', 'quarantine.remove'],
  sameAnswer: false,
  prepare: async () => {
    const { world, workspaceId, blobName } = await quarantinedGood(badBytes);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => unlessDone(purgeQuarantined(deps, { workspaceId, blobName })),
      check: async () => {
        assert.deepEqual(await namesIn(world, 'quarantine'), []);
        assert.equal(await world.deps.metadata.quarantine.get(workspaceId, blobName), undefined);
      },
    };
  },
});

const sweepAll = crashCase({
  name: 'the sweep',
  steps: ['sessions.sweep', 'journal.sweepRequests', 'presence.sweep', 'blobs.deleteMany'],
  sameAnswer: false,
  prepare: async () => {
    const { world, ann, workspaceId } = await start();
    const { sessionId } = await must(ann.openSession([utf8(text)]));
    const old = stagedPackName({ workspaceId, sessionId, packId: pack.packId });
    await world.blobs.put('staging', old, pack.bytes);
    world.clock.ms += limits.requestRecordSeconds * 1_000 + 1;
    const { sessionId: young } = await must(ann.openSession([utf8(text)]));
    const kept = stagedPackName({ workspaceId, sessionId: young, packId: pack.packId });
    await world.blobs.put('staging', kept, pack.bytes);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => sweep(deps),
      check: async () => {
        const { sessions } = world.deps.metadata;
        assert.deepEqual(await namesIn(world, 'staging'), [kept]);
        assert.equal(await sessions.get(workspaceId, sessionId, 0), undefined);
        assert.ok(await sessions.get(workspaceId, young, world.clock.ms));
      },
    };
  },
});

export const transferCases: readonly CrashCase[] = [
  openSession,
  uploadStatus,
  promote,
  promoteBad,
  verifyGood,
  verifyBad,
  report,
  release,
  purgeBad,
  sweepAll,
];
