/** The check of a workspace's storage: nothing is found where nothing is wrong, and each damage is found as what it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { compareBytes, utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, bytesToDigest, columnToDigests, rootNodeId } from '../../../shared/core/ids.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { decodeMapNode, emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { type Entry, encodeEntry } from '../../../shared/core/tree/entry.ts';
import { entryKey } from '../../../shared/core/tree/keys.ts';
import { journalEntry } from '../../../shared/core/wire/journal-entry.ts';
import { decodeMsgpack } from '../../../shared/core/msgpack.ts';
import type { ApiDependencies } from '../../../shared/api/api.ts';
import type { MetadataStore, ObjectKind } from '../../../shared/ports/metadata-store.ts';
import { fsckStep } from '../../../shared/services/admin/fsck.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { workspaceNodes } from '../../../shared/services/workspace-nodes.ts';
import { nodeOf } from '../../api/world/test-device.ts';
import { notingWrites } from '../../api/world/write-log.ts';
import {
  type FullWorkspace,
  altered,
  createFullWorkspace,
  fsckAll,
  packIds,
  packOfText,
  replaceBlob,
  singleText,
} from './full-workspace.ts';

function withMetadata(deps: ApiDependencies, change: Partial<MetadataStore>): ApiDependencies {
  return { ...deps, metadata: altered(deps.metadata, change) };
}

/** The store without one object, or with other bytes for it. */
function withObject(full: FullWorkspace, kind: ObjectKind, hash: Digest, bytes?: Uint8Array): ApiDependencies {
  const { deps } = full.world;
  const objects = altered(deps.metadata.objects, {
    getObjects: async (workspaceId, of, hashes) => {
      const found = await deps.metadata.objects.getObjects(workspaceId, of, hashes);
      return hashes.map((each, i) => (of === kind && each === hash ? bytes : found[i]));
    },
  });
  return withMetadata(deps, { objects });
}

/** The journal with one entry changed, or left out. */
function withEntry(
  full: FullWorkspace,
  seq: number,
  change: (entry: Uint8Array) => Uint8Array | undefined,
): ApiDependencies {
  const { deps } = full.world;
  const journal = altered(deps.metadata.journal, {
    list: async (...args) =>
      (await deps.metadata.journal.list(...args)).flatMap((record) => {
        if (record.seq !== seq) return [record];
        const entry = change(record.entry);
        return entry === undefined ? [] : [{ ...record, entry }];
      }),
  });
  return withMetadata(deps, { journal });
}

function changeEntry(
  entry: Uint8Array,
  change: (fields: ReturnType<typeof journalEntry.fromWire>) => object,
): Uint8Array {
  const fields = journalEntry.fromWire(decodeMsgpack(entry, { what: 'entry', depthMax: 8, valuesMax: 100_000 }), '');
  return encode(journalEntry.toWire({ ...fields, ...change(fields) }));
}

type Found = readonly (readonly [kind: string, subject: string])[];

async function found(full: FullWorkspace, deps = full.world.deps, options = {}): Promise<Found> {
  const { findings } = await fsckAll(full, options, deps);
  return findings.map(({ kind, subject }) => [kind, subject]);
}

async function headRoot({ world, workspaceId }: FullWorkspace): Promise<Digest> {
  return (await world.deps.metadata.journal.getHead(workspaceId))!.root;
}

describe('a check of a sound workspace', () => {
  it('finds nothing, has looked at everything, and has written nothing', async () => {
    const full = await createFullWorkspace();
    const writes: string[] = [];
    const deps = notingWrites(full.world.deps, writes);
    for (const options of [{}, { deep: true }, { history: true, deep: true }]) {
      const checked = await fsckAll(full, options, deps);
      assert.deepEqual(checked.findings, []);
      assert.deepEqual([checked.entries, checked.files, checked.packs], [66, 62, (await packIds(full)).length]);
    }
    assert.deepEqual(writes, []);
  });

  it('finds nothing in one without a commit', async () => {
    const full = await createFullWorkspace();
    const { createWorkspaceAs } = await import('../../api/world/test-device.ts');
    const { workspaceId } = await createWorkspaceAs(full.world, 'bob');
    assert.deepEqual((await fsckAll({ ...full, workspaceId })).findings, []);
  });
});

describe('a check finds exactly', () => {
  it('a node that is missing, wherever it is in the tree', async () => {
    const full = await createFullWorkspace();
    const root = await headRoot(full);
    const { workspaceId } = full;
    const [bytes] = await full.world.deps.metadata.objects.getObjects(workspaceId, 'node', [root]);
    const children = decodeMapNode(bytes!).values.map((value) => bytesToDigest(value));
    assert.ok(children.length > 1, 'the example has a tree of two levels');
    for (const node of [root, children[0]!, children.at(-1)!]) {
      assert.deepEqual(await found(full, withObject(full, 'node', node)), [['missing-node', node]]);
      assert.deepEqual(await found(full, withObject(full, 'node', node, utf8('other bytes'))), [
        ['missing-node', node],
      ]);
    }
  });

  it('a manifest or a segment that is missing or wrong', async () => {
    const full = await createFullWorkspace();
    const { root, segments } = full.built;
    const [segment] = [...segments.keys()];
    assert.ok(segment);
    assert.deepEqual(await found(full, withObject(full, 'segment', segment)), [['missing-manifest', segment]]);
    assert.deepEqual(await found(full, withObject(full, 'segment', segment, utf8('x'))), [['missing-manifest', root]]);
    assert.deepEqual(await found(full, withObject(full, 'manifest', root, utf8('x'))), [['missing-manifest', root]]);
    // A content of at most one chunk's size that has no manifest could as well be a chunk.
    assert.deepEqual(await found(full, withObject(full, 'manifest', root)), [['missing-chunk', root]]);
  });

  it('a chunk that is not in the index', async () => {
    const full = await createFullWorkspace();
    const { deps } = full.world;
    const gone = blake3Digest(full.chunks[700]!);
    const chunks = altered(deps.metadata.chunks, {
      lookUp: async (workspaceId, hashes) => {
        const places = await deps.metadata.chunks.lookUp(workspaceId, hashes);
        return columnToDigests(hashes).map((hash, i) => (hash === gone ? undefined : places[i]));
      },
    });
    assert.deepEqual(await found(full, withMetadata(deps, { chunks })), [['missing-chunk', gone]]);
  });

  it('a place in the index where the chunk does not lie', async () => {
    const full = await createFullWorkspace();
    const { deps } = full.world;
    const moved = blake3Digest(full.chunks[700]!);
    const chunks = altered(deps.metadata.chunks, {
      lookUp: async (workspaceId, hashes) => {
        const places = await deps.metadata.chunks.lookUp(workspaceId, hashes);
        return columnToDigests(hashes).map((hash, i) => {
          const place = places[i];
          return hash === moved && place !== undefined ? { ...place, offset: place.offset + 1 } : place;
        });
      },
    });
    assert.deepEqual(await found(full, withMetadata(deps, { chunks })), [['index-wrong', moved]]);
  });

  it('the blob of a pack that is gone', async () => {
    const full = await createFullWorkspace();
    const packId = await packOfText(full, 'number 5');
    await full.world.blobs.deleteMany('chunks', [packBlobName(full.workspaceId, packId)]);
    assert.deepEqual(await found(full), [['missing-blob', packId]]);
  });

  it('a blob that is another than the one verified, and a name that is no pack’s', async () => {
    const full = await createFullWorkspace();
    const packId = await packOfText(full, 'number 5');
    const name = packBlobName(full.workspaceId, packId);
    await replaceBlob(full, packId, utf8('something else'));
    assert.deepEqual(await found(full), [['bad-blob', name]]);
    const foreign = `${full.workspaceId}/by-hand.txt`;
    await full.world.blobs.put('chunks', foreign, utf8('x'));
    assert.deepEqual(new Set((await found(full)).map(([, subject]) => subject)), new Set([name, foreign]));
  });

  it('bytes that have rotted: in the frames by a deep check only, in the footer by any', async () => {
    const full = await createFullWorkspace();
    const packId = await packOfText(full, 'number 5');
    const name = packBlobName(full.workspaceId, packId);
    const bytes = (await full.world.blobs.get('chunks', name))!;
    const rotten = async (at: number): Promise<ApiDependencies> => {
      const rot = bytes.slice();
      rot[at]! ^= 1;
      await replaceBlob(full, packId, rot);
      // Rot keeps the ETag: the record is made to name the one that the blob has now.
      const { etag } = (await full.world.blobs.head('chunks', name))!;
      const record = (await getPackRecord(full.world.deps, full.workspaceId, packId))!;
      const chunks = altered(full.world.deps.metadata.chunks, {
        listPacks: async (...args) =>
          (await full.world.deps.metadata.chunks.listPacks(...args)).map((each) =>
            each.packId === packId ? { ...record, etag } : each,
          ),
      });
      return withMetadata(full.world.deps, { chunks });
    };
    const inFrame = await rotten(9);
    assert.deepEqual(await found(full, inFrame), []);
    assert.deepEqual(await found(full, inFrame, { deep: true }), [['bad-blob', name]]);
    assert.deepEqual(await found(full, await rotten(bytes.length - 20)), [['bad-blob', name]]);
  });

  it('a blob that nobody has verified, as information', async () => {
    const full = await createFullWorkspace();
    const { session } = await full.ann.upload(utf8('uploaded and never committed'));
    assert.deepEqual(await found(full), [['orphan-blob', packBlobName(full.workspaceId, session.packs[0]!.packId)]]);
  });

  it('chunks in a pack that is not recorded', async () => {
    const full = await createFullWorkspace();
    const { deps } = full.world;
    const packId = await packOfText(full, 'number 5');
    const isOther = ({ packId: id }: { readonly packId: Digest }): boolean => id !== packId;
    const chunks = altered(deps.metadata.chunks, {
      listPacks: async (...args) => (await deps.metadata.chunks.listPacks(...args)).filter(isOther),
      hasPacks: async (workspaceId, packs) => {
        const known = await deps.metadata.chunks.hasPacks(workspaceId, packs);
        return columnToDigests(packs).map((id, i) => id !== packId && known[i] === true);
      },
    });
    const name = packBlobName(full.workspaceId, packId);
    assert.deepEqual(await found(full, withMetadata(deps, { chunks })), [
      ['index-wrong', packId],
      ['orphan-blob', name],
    ]);
  });

  it('an entry of the journal that was changed, is missing, cannot be read, or is not the head’s', async () => {
    const full = await createFullWorkspace();
    const redated = withEntry(full, 30, (entry) => changeEntry(entry, ({ timeMs }) => ({ timeMs: timeMs - 1 })));
    assert.deepEqual(await found(full, redated), [['journal-broken', '30']]);
    const unsigned = withEntry(full, 30, (entry) => changeEntry(entry, () => ({ signature: new Uint8Array(64) })));
    assert.deepEqual(await found(full, unsigned), [['journal-broken', '30']]);
    const edited = withEntry(full, 30, (entry) => changeEntry(entry, () => ({ edits: [] })));
    assert.deepEqual(await found(full, edited), [['journal-broken', '30']]);
    assert.deepEqual(
      await found(
        full,
        withEntry(full, 30, () => undefined),
      ),
      [['journal-broken', '30']],
    );
    assert.deepEqual(
      await found(
        full,
        withEntry(full, 30, () => utf8('no entry')),
      ),
      [['journal-broken', '30']],
    );
    const { journal } = full.world.deps.metadata;
    const head = (await journal.getHead(full.workspaceId))!;
    const rolledBack = altered(journal, { getHead: async () => ({ ...head, seq: head.seq - 1 }) });
    const headIsOld = withMetadata(full.world.deps, { journal: rolledBack });
    assert.deepEqual(await found(full, headIsOld), [['journal-broken', String(head.seq - 1)]]);
  });

  it('a tally that is wrong', async () => {
    const full = await createFullWorkspace();
    const { journal } = full.world.deps.metadata;
    const head = (await journal.getHead(full.workspaceId))!;
    assert.ok(head.tally !== null, 'the head keeps a tally');
    const tally = { ...head.tally, bytes: head.tally.bytes + 1 };
    const deps = withMetadata(full.world.deps, {
      journal: altered(journal, { getHead: async () => ({ ...head, tally }) }),
    });
    assert.deepEqual(await found(full, deps), [['tally-wrong', head.root]]);
  });

  it('what only an older version needs, with the history and not without', async () => {
    const full = await createFullWorkspace();
    const { deps } = full.world;
    const old = blake3Digest(utf8(singleText));
    const packId = await packOfText(full, singleText);
    // The pack is forgotten, so that the index is whole again without it; but an older version had it.
    await deps.metadata.chunks.forgetPack(full.workspaceId, packId);
    await full.world.blobs.deleteMany('chunks', [packBlobName(full.workspaceId, packId)]);
    assert.deepEqual(await found(full), []);
    assert.deepEqual(await found(full, deps, { history: true }), [['missing-chunk', old]]);
  });
});

describe('a check in steps', () => {
  it('goes on from any cursor, and refuses what is none', async () => {
    const full = await createFullWorkspace();
    const checked = await fsckAll(full);
    assert.ok(checked.steps >= 4);
    const { workspaceId } = full;
    const wrong = [
      '',
      'x',
      'journal:',
      'journal:-1',
      'journal:9999999999999999',
      'tree:0',
      'packs:zz',
      `tree:${'0'.repeat(64)}:0:1:1:1`,
    ];
    for (const cursor of wrong) {
      const step = fsckStep(full.world.deps, { workspaceId, cursor, deep: false, history: false });
      await assert.rejects(step, { code: 'malformed' }, cursor);
    }
  });

  it('ends a step of large files early: each of their chunks is looked up', async () => {
    const full = await createFullWorkspace();
    const { deps } = full.world;
    const { workspaceId } = full;
    const edits = Array.from({ length: 1_000 }, (_, i) => {
      const nodeId = nodeOf(`${i}`);
      const content = blake3Digest(utf8(`${i}`));
      const entry: Entry = { kind: 'file', nodeId, version: [], mtimeMs: 0, mode: 0, size: 2 ** 30, content };
      return { key: entryKey({ parentId: rootNodeId, name: `${i}` }), value: encodeEntry(entry) };
    }).sort((a, b) => compareBytes(a.key, b.key));
    const { root, nodes } = await mapApply(workspaceNodes(deps, workspaceId), emptyMapRoot, edits);
    await deps.metadata.objects.putObjects(workspaceId, 'node', nodes);
    let files = 0;
    let steps = 0;
    for (let cursor: string | null = `tree:${root}::0:0:1`; cursor?.startsWith('tree:') === true; steps++) {
      const step = await fsckStep(deps, { workspaceId, cursor, deep: false, history: false });
      assert.ok(step.files < 300, `${step.files} files in one step`);
      files += step.files;
      cursor = step.cursor;
    }
    assert.deepEqual([files, steps > 10], [1_000, true]);
  });

  it('counts a tree over several steps', async () => {
    const full = await createFullWorkspace();
    const root = await headRoot(full);
    const whole = await fsckStep(full.world.deps, {
      workspaceId: full.workspaceId,
      cursor: `tree:${root}::0:0:1`,
      deep: false,
      history: false,
    });
    const all: number[] = [];
    // A walk that begins after a key finds what is left after it.
    for (const after of ['01', '02']) {
      const cursor = `tree:${root}:${after}:${after === '02' ? whole.files : 0}:0:0`;
      all.push(
        (await fsckStep(full.world.deps, { workspaceId: full.workspaceId, cursor, deep: false, history: false })).files,
      );
    }
    assert.deepEqual(all, [whole.files, 0]);
  });
});
