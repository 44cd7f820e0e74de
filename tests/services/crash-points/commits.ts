/** Crashes of commits and of what else moves a head. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import type { CommitRequest } from '../../../shared/core/wire/commit.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import { restoreRequest, restoreResponse } from '../../../shared/core/wire/restore.ts';
import { projectVersions } from '../../../shared/services/project-versions.ts';
import { must } from '../../api/world/calls.ts';
import {
  deleteOperation,
  inRoot,
  mkdirOperation,
  moveOperation,
  nodeOf,
  putOperation,
  symlinkOperation,
} from '../../api/world/test-device.ts';
import { type CrashCase, crashCase } from './enumerate.ts';
import { type Start, ask, keptText, largeFile, listed, namesIn, on, seqsOf, start } from './start.ts';

const kept = blake3Digest(utf8(keptText));
export const large = largeFile();

/** The file of two chunks, which nobody has verified yet, with its manifest and segments. */
export async function commitOfLarge({ ann }: Start, ...more: readonly Operation[]): Promise<CommitRequest> {
  const { session } = await ann.upload(...large.chunks);
  const put = putOperation({ node: 'large', name: 'large.bin', text: '' });
  assert.ok(put.kind === 'put');
  const { root, size, manifest, segments } = large.built;
  return ann.request([{ ...put, content: root, size }, ...more], {
    sessions: [session.sessionId],
    manifests: [{ root, manifest: manifest! }],
    segments: [...segments].map(([hash, segment]) => ({ hash, segment })),
  });
}

interface CommitCase {
  readonly name: string;
  readonly steps: readonly string[];
  readonly request: (begun: Start) => Promise<CommitRequest> | CommitRequest;
  readonly seqs: readonly number[];
  readonly tree: Readonly<Record<string, unknown>>;
}

function commitCase({ name, steps, request, seqs, tree }: CommitCase): CrashCase {
  return crashCase({
    name,
    steps,
    sameAnswer: true,
    prepare: async () => {
      const begun = await start();
      const { world, ann, workspaceId } = begun;
      const sent = await request(begun);
      return {
        world,
        workspaces: [workspaceId],
        run: (process) => must(on(process, ann).send(sent, 'the one commit')),
        check: async ({ head }) => {
          assert.deepEqual(await listed(ann), tree);
          assert.deepEqual(await seqsOf(world, workspaceId), seqs);
          assert.equal(head?.root, (await world.deps.metadata.journal.getHead(workspaceId))?.root);
          assert.deepEqual(await namesIn(world, 'quarantine'), []);
        },
      };
    },
  });
}

export const commitManifest = commitCase({
  name: 'a commit of a file with a manifest, whose pack is not verified yet',
  steps: ['chunks.record', 'objects.putObjects', 'signer.sign', 'journal.append'],
  request: (begun) => commitOfLarge(begun),
  seqs: [1, 2],
  tree: { 'kept.txt': kept, 'large.bin': large.built.root },
});

const commitMany = commitCase({
  name: 'a commit of several operations',
  steps: ['chunks.record', 'objects.putObjects', 'signer.sign', 'journal.append'],
  request: (begun) =>
    commitOfLarge(
      begun,
      mkdirOperation('folder', 'folder'),
      symlinkOperation('link', 'link', 'large.bin'),
      moveOperation('kept', inRoot('kept.txt'), inRoot('moved.txt'), [[begun.ann.deviceId, 1]]),
      putOperation({ node: 'gone', name: 'gone.txt', text: '' }),
      deleteOperation('gone', [[begun.ann.deviceId, 1]]),
    ),
  seqs: [1, 2],
  tree: { folder: null, 'large.bin': large.built.root, link: 'large.bin', 'moved.txt': kept },
});

const folders = Array.from({ length: 900 }, (_, i) =>
  mkdirOperation(`f${i}`, `${i}${'x'.repeat(240)}`, nodeOf('many')),
);

const commitHuge = commitCase({
  name: 'a commit whose entry is too large for a row',
  steps: ['objects.putObjects', 'signer.sign', 'blobs.put', 'journal.append'],
  request: ({ ann }) => ann.request([mkdirOperation('many', 'many'), ...folders]),
  seqs: [1, 2],
  tree: { 'kept.txt': kept, many: null },
});

const commitNothing = commitCase({
  name: 'a commit that changes nothing',
  steps: ['journal.recordRequest'],
  request: ({ ann }) => ann.request([putOperation({ node: 'kept', name: 'kept.txt', text: keptText })]),
  seqs: [1],
  tree: { 'kept.txt': kept },
});

export const restoreAll = crashCase({
  name: 'a restore',
  steps: ['objects.putObjects', 'signer.sign', 'journal.append'],
  sameAnswer: true,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    await must(ann.send(await commitOfLarge(begun)));
    await ann.commit(deleteOperation('kept', [[ann.deviceId, 1]]), deleteOperation('large', [[ann.deviceId, 1]]));
    const request = { deviceId: ann.deviceId, seq: 2, timeMs: null, nodeId: null, path: null };
    const path = `/workspaces/${workspaceId}/restore`;
    return {
      world,
      workspaces: [workspaceId],
      run: (process) => ask(process, 'POST', path, restoreResponse, [restoreRequest, request]),
      check: async ({ restored, seq }) => {
        assert.deepEqual([restored, seq], [2, 2]);
        assert.deepEqual(await listed(ann), { 'kept.txt': kept, 'large.bin': large.built.root });
        assert.deepEqual(await seqsOf(world, workspaceId), [1, 2, 3, 4]);
      },
    };
  },
});

const project = crashCase({
  name: 'projecting versions',
  steps: ['versions.project'],
  sameAnswer: false,
  prepare: async () => {
    const begun = await start();
    const { world, ann, workspaceId } = begun;
    const { outcomes } = await ann.commitPut({ node: 'a', name: 'a', text: 'one' });
    await ann.commit(deleteOperation('a', outcomes[0]!.version));
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => projectVersions(deps, workspaceId, 3, 1_000),
      check: async () => {
        const { versions } = world.deps.metadata;
        assert.equal(await versions.projectedSeq(workspaceId), 3);
        const ofA = await versions.list(workspaceId, nodeOf('a'), 1_000, 10);
        assert.deepEqual(
          ofA.map(({ seq, entry }) => [seq, entry === null]),
          [
            [3, true],
            [2, false],
          ],
        );
      },
    };
  },
});

export const commitCases: readonly CrashCase[] = [
  commitManifest,
  commitMany,
  commitHuge,
  commitNothing,
  restoreAll,
  project,
];
