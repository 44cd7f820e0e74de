/** The use cases that are killed, cut where processes change: what is prepared, what the victim runs, what must hold after its repeat. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type DeviceId, type SessionId, type WorkspaceId, digestsToColumn } from '../../../shared/core/ids.ts';
import { decodeFrame } from '../../../shared/core/pack/pack-reader.ts';
import type { CommitRequest, CommitResponse } from '../../../shared/core/wire/commit.ts';
import { downloadSessionRequest, downloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import { type RestoreResponse, restoreRequest, restoreResponse } from '../../../shared/core/wire/restore.ts';
import type { UploadSessionResponse } from '../../../shared/core/wire/upload-session.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { decodeQuarantineMessage } from '../../../shared/services/quarantine/quarantine-message.ts';
import { type PackVerification, verifyPack } from '../../../shared/services/verify-pack.ts';
import { must } from '../../api/world/calls.ts';
import {
  TestDevice,
  deleteOperation,
  inRoot,
  mkdirOperation,
  moveOperation,
  nodeOf,
} from '../../api/world/test-device.ts';
import type { TestWorld } from '../../api/world/test-world.ts';
import { commitManifest, commitOfLarge, large, restoreAll } from '../../services/crash-points/commits.ts';
import type { CrashCase } from '../../services/crash-points/enumerate.ts';
import {
  type Start,
  ask,
  deliverQuarantine,
  keptText,
  listed,
  namesIn,
  seqsOf,
  start,
} from '../../services/crash-points/start.ts';
import {
  commitNew,
  hasNew,
  openSession,
  pack,
  text,
  verifyBad,
  verifyGood,
  withBadPack,
} from '../../services/crash-points/transfer.ts';

/** What another process needs to know; it is cloned on its way there. */
interface Prepared {
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
}

interface KillCase<Input extends Prepared, Answer> {
  /** The same in process, which names the steps. */
  readonly of: CrashCase;
  readonly sameAnswer: boolean;
  prepare(world: TestWorld): Promise<Input>;
  /** Of a step: whether its effect is there. From the moment that the call has resolved, a kill takes it no more. */
  readonly effects: Readonly<Record<string, (begun: Start, input: Input) => Promise<boolean>>>;
  /** The request or the event; its repeat too. */
  run(world: TestWorld, input: Input): Promise<Answer>;
  /** What comes afterwards, and that all is as it shall be then. `answer` is that of the repeat. */
  check(begun: Start, answer: Answer, input: Input): Promise<void>;
  /** Chunks that must be readable in the end. */
  readonly chunks: readonly Uint8Array[];
}

export interface AnyKillCase {
  readonly name: string;
  readonly steps: readonly string[];
  readonly sameAnswer: boolean;
  prepare(world: TestWorld): Promise<Prepared>;
  run(world: TestWorld, input: unknown): Promise<unknown>;
  /** That the effect of a step is there; nothing where the case cannot tell. */
  checkEffect(world: TestWorld, step: string, input: unknown): Promise<void>;
  check(world: TestWorld, answer: unknown, input: unknown): Promise<void>;
}

/** `input` comes back as its own preparation made it. */
function killCase<Input extends Prepared, Answer>(each: KillCase<Input, Answer>): AnyKillCase {
  return {
    name: each.of.name,
    steps: each.of.steps,
    sameAnswer: each.sameAnswer,
    prepare: (world) => each.prepare(world),
    run: (world, input) => each.run(world, input as Input),
    checkEffect: async (world, step, input) => {
      const isThere = await each.effects[step]?.(startAgain(world, input as Input), input as Input);
      assert.notEqual(isThere, false, `${step} had resolved, and its effect is gone`);
    },
    check: async (world, answer, input) => {
      const begun = startAgain(world, input as Input);
      await each.check(begun, answer as Answer, input as Input);
      await readBack(begun, [utf8(keptText), ...each.chunks]);
    },
  };
}

function startAgain(world: TestWorld, { workspaceId, deviceId }: Prepared): Start {
  return { world, workspaceId, ann: new TestDevice(world, 'ann', workspaceId, deviceId) };
}

function prepared({ workspaceId, ann }: Start): Prepared {
  return { workspaceId, deviceId: ann.deviceId };
}

async function areRecorded({ world, workspaceId }: Start, chunks: readonly Uint8Array[]): Promise<boolean> {
  const places = await world.deps.metadata.chunks.lookUp(workspaceId, digestsToColumn(chunks.map(blake3Digest)));
  return places.every((place) => place !== undefined);
}

async function hasSeq({ world, workspaceId }: Start, seq: number): Promise<boolean> {
  return (await seqsOf(world, workspaceId)).includes(seq);
}

async function messageNames({ world }: Start): Promise<string[]> {
  const messages = await world.deps.queue.peek('quarantine', 32);
  return messages.map(({ body }) => decodeQuarantineMessage(body).blobName);
}

/** Each chunk as a client gets it: asked where it lies, cut out of its pack, and held against its hash. */
async function readBack({ world, workspaceId }: Start, chunks: readonly Uint8Array[]): Promise<void> {
  const hashes = chunks.map(blake3Digest);
  const request = { workspaceId, hashes: digestsToColumn(hashes) };
  const at = await ask(world, 'POST', '/download/session', downloadSessionResponse, [downloadSessionRequest, request]);
  for (const [i, hash] of hashes.entries()) {
    const { packId } = at.packs[at.pack[i]!]!;
    const from = at.frameOffset[i]!;
    const range = { from, to: from + at.frameStored[i]! };
    const frame = await world.blobs.get('chunks', packBlobName(workspaceId, packId), range);
    const plain = decodeFrame(world.deps.codecs, at.codec[i]!, frame!, at.frameRaw[i]!);
    assert.equal(blake3Digest(plain.subarray(at.offset[i], at.offset[i]! + at.length[i]!)), hash);
  }
}

const opening = killCase<Prepared, UploadSessionResponse>({
  of: openSession,
  sameAnswer: false,
  prepare: async (world) => prepared(await start(world)),
  // Nobody was told the id of the session.
  effects: {},
  run: (world, input) => must(startAgain(world, input).ann.openSession([utf8(text)])),
  check: async (begun, { sessionId, missing }) => {
    const { world, ann, workspaceId } = begun;
    assert.equal(missing.length, 1);
    assert.ok(await world.deps.metadata.sessions.get(workspaceId, sessionId, world.clock.ms));
    const { session } = await ann.upload(utf8(text));
    await commitNew(begun, { sessions: [session.sessionId] });
    await hasNew(begun);
  },
  chunks: [utf8(text)],
});

const verifying = killCase<Prepared & { readonly sessionId: SessionId }, PackVerification>({
  of: verifyGood,
  sameAnswer: true,
  prepare: async (world) => {
    const begun = await start(world);
    const { session } = await begun.ann.upload(utf8(text));
    return { ...prepared(begun), sessionId: session.sessionId };
  },
  effects: { 'chunks.record': (begun) => areRecorded(begun, [utf8(text)]) },
  run: ({ deps }, { workspaceId }) => verifyPack(deps, { workspaceId, packId: pack.packId }),
  check: async (begun, answer, { sessionId }) => {
    assert.equal(answer, 'verified');
    await commitNew(begun, { sessions: [sessionId] });
    await hasNew(begun);
  },
  chunks: [utf8(text)],
});

const quarantining = killCase<Prepared & { readonly blobName: string }, PackVerification>({
  of: verifyBad,
  sameAnswer: false,
  prepare: async (world) => {
    const begun = await withBadPack(world);
    return { ...prepared(begun), blobName: begun.blobName };
  },
  effects: {
    'quarantine.record': async ({ world, workspaceId }, { blobName }) =>
      (await world.deps.metadata.quarantine.get(workspaceId, blobName)) !== undefined,
    'queue.send': async (begun, { blobName }) => (await messageNames(begun)).includes(blobName),
    'blobs.moveIfMatch': async ({ world }, { blobName }) => (await namesIn(world, 'quarantine')).includes(blobName),
  },
  run: ({ deps }, { workspaceId }) => verifyPack(deps, { workspaceId, packId: pack.packId }),
  check: async (begun, answer, { blobName }) => {
    const { world, ann, workspaceId } = begun;
    const { metadata } = world.deps;
    assert.ok(answer === 'rejected' || answer === 'missing', answer);
    assert.ok(await metadata.quarantine.get(workspaceId, blobName), 'it is recorded');
    assert.deepEqual([...new Set(await messageNames(begun))], [blobName], 'its message is there');
    assert.deepEqual([...new Set(await deliverQuarantine(world))], ['reported']);
    assert.deepEqual(await namesIn(world, 'quarantine'), [blobName]);
    const { session } = await ann.upload(utf8(text));
    await commitNew(begun, { sessions: [session.sessionId] });
    await hasNew(begun);
  },
  chunks: [utf8(text)],
});

const kept = blake3Digest(utf8(keptText));

const committing = killCase<Prepared & { readonly request: CommitRequest }, CommitResponse>({
  of: commitManifest,
  sameAnswer: true,
  prepare: async (world) => {
    const begun = await start(world);
    return { ...prepared(begun), request: await commitOfLarge(begun) };
  },
  effects: {
    'chunks.record': (begun) => areRecorded(begun, large.chunks),
    'journal.append': (begun) => hasSeq(begun, 2),
  },
  run: (world, input) => must(startAgain(world, input).ann.send(input.request, 'the one commit')),
  check: async ({ world, ann, workspaceId }, { head }) => {
    assert.deepEqual(await listed(ann), { 'kept.txt': kept, 'large.bin': large.built.root });
    assert.deepEqual(await seqsOf(world, workspaceId), [1, 2]);
    assert.equal(head?.root, (await world.deps.metadata.journal.getHead(workspaceId))?.root);
    assert.deepEqual(await namesIn(world, 'quarantine'), []);
  },
  chunks: large.chunks,
});

/** A folder with a file, both gone since, brought back to what they were after seq 3. */
const restoring = killCase<Prepared, RestoreResponse>({
  of: restoreAll,
  sameAnswer: true,
  prepare: async (world) => {
    const begun = await start(world);
    const { ann } = begun;
    const [once, twice] = [[[ann.deviceId, 1]], [[ann.deviceId, 2]]] as const;
    await must(ann.send(await commitOfLarge(begun, mkdirOperation('folder', 'folder'))));
    const inFolder = { parentId: nodeOf('folder'), name: 'large.bin' };
    await ann.commit(moveOperation('large', inRoot('large.bin'), inFolder, once));
    await ann.commit(deleteOperation('large', twice), deleteOperation('folder', once));
    assert.deepEqual(await listed(ann), { 'kept.txt': kept });
    return prepared(begun);
  },
  effects: { 'journal.append': (begun) => hasSeq(begun, 5) },
  run: (world, { workspaceId, deviceId }) => {
    const request = { deviceId, seq: 3, timeMs: null, nodeId: nodeOf('folder'), path: null };
    return ask(world, 'POST', `/workspaces/${workspaceId}/restore`, restoreResponse, [restoreRequest, request]);
  },
  check: async ({ world, ann, workspaceId }, { restored, seq, head }) => {
    assert.deepEqual([restored, seq], [2, 3]);
    assert.deepEqual(await listed(ann), { 'kept.txt': kept, folder: null });
    assert.deepEqual(await listed(ann, 'folder'), { 'large.bin': large.built.root });
    assert.deepEqual(await seqsOf(world, workspaceId), [1, 2, 3, 4, 5]);
    assert.equal(head?.root, (await world.deps.metadata.journal.getHead(workspaceId))?.root);
  },
  chunks: large.chunks,
});

export const killCases: readonly AnyKillCase[] = [opening, verifying, quarantining, committing, restoring];
