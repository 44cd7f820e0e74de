/** A workspace with a bit of everything: files of one chunk and of many, folders, versions, deletions; and ways to damage it. */
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../../shared/core/ids.ts';
import { type BuiltManifest, buildManifest } from '../../../shared/core/manifest/manifest.ts';
import { packBlobName, parsePackBlobName } from '../../../shared/services/pack-name.ts';
import { type Finding } from '../../../shared/services/admin/fsck/finding.ts';
import { fsckStep } from '../../../shared/services/admin/fsck.ts';
import { must } from '../../api/world/calls.ts';
import {
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  mkdirOperation,
  putOperation,
} from '../../api/world/test-device.ts';
import { type TestWorld, type TestWorldOptions, createTestWorld } from '../../api/world/test-world.ts';

export interface FullWorkspace {
  readonly world: TestWorld;
  readonly ann: TestDevice;
  readonly workspaceId: WorkspaceId;
  /** The file of many chunks, and these. */
  readonly built: BuiltManifest;
  readonly chunks: readonly Uint8Array[];
}

export const singleText = 'the content of a small file';

export async function createFullWorkspace(options: TestWorldOptions = {}): Promise<FullWorkspace> {
  const world = createTestWorld(options);
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const small = await ann.commitPut({ node: 'small', name: 'small.txt', text: singleText });
  await ann.commitPut({ node: 'empty', name: 'empty.txt', text: '' });
  await ann.commit(mkdirOperation('folder', 'folder'));
  for (let i = 0; i < 60; i++) await ann.commitPut({ node: `n${i}`, name: `file ${i}`, text: `number ${i}` });
  const chunks = Array.from({ length: 1_500 }, (_, i) => utf8(`chunk ${i} of a large file`));
  const lengths = Uint32Array.from(chunks, (chunk) => chunk.length);
  const built = buildManifest(1, { hashes: digestsToColumn(chunks.map(blake3Digest)), lengths });
  const { session } = await ann.upload(...chunks);
  const put = putOperation({ node: 'large', name: 'large.bin', text: '' });
  const operation = put.kind === 'put' ? { ...put, content: built.root, size: built.size } : put;
  const more = {
    sessions: [session.sessionId],
    manifests: [{ root: built.root, manifest: built.manifest! }],
    segments: [...built.segments].map(([hash, segment]) => ({ hash, segment })),
  };
  await must(ann.send(ann.request([operation], more)));
  await ann.commitPut({
    node: 'small',
    name: 'small.txt',
    text: 'its next version',
    base: small.outcomes[0]!.version,
    baseText: singleText,
  });
  await ann.commit(deleteOperation('n7', [[ann.deviceId, 1]]));
  return { world, ann, workspaceId, built, chunks };
}

export interface Checked {
  readonly findings: readonly Finding[];
  readonly steps: number;
  readonly entries: number;
  readonly files: number;
  readonly packs: number;
}

/** A whole check, each kind and subject once. */
export async function fsckAll(
  { world, workspaceId }: FullWorkspace,
  options: { readonly deep?: boolean; readonly history?: boolean } = {},
  deps = world.deps,
): Promise<Checked> {
  const { deep = false, history = false } = options;
  const findings = new Map<string, Finding>();
  const counts = { steps: 0, entries: 0, files: 0, packs: 0 };
  let cursor: string | null = null;
  do {
    const step: Awaited<ReturnType<typeof fsckStep>> = await fsckStep(deps, { workspaceId, cursor, deep, history });
    for (const finding of step.findings) findings.set(`${finding.kind} ${finding.subject}`, finding);
    counts.steps++;
    counts.entries += step.entries;
    counts.files += step.files;
    counts.packs += step.packs;
    cursor = step.cursor;
  } while (cursor !== null);
  return { findings: [...findings.values()], ...counts };
}

export async function packIds({ world, workspaceId }: FullWorkspace): Promise<Digest[]> {
  const ids: Digest[] = [];
  for await (const name of world.blobs.list('chunks', `${workspaceId}/`)) {
    const pack = parsePackBlobName(name);
    if (pack !== undefined) ids.push(pack.packId);
  }
  return ids;
}

/** The pack in which a chunk lies. */
export async function packOfText({ world, workspaceId }: FullWorkspace, text: string): Promise<Digest> {
  const [place] = await world.deps.metadata.chunks.lookUp(workspaceId, digestsToColumn([blake3Digest(utf8(text))]));
  return place!.packId;
}

/** The bytes of the blob of a pack, after a change, under its name: as a new incarnation with another ETag, or as the old one. */
export async function replaceBlob(full: FullWorkspace, packId: Digest, bytes: Uint8Array): Promise<void> {
  const name = packBlobName(full.workspaceId, packId);
  await full.world.blobs.deleteMany('chunks', [name]);
  await full.world.blobs.put('chunks', name, bytes);
}

/** An object with some methods replaced. */
export function altered<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(of, property) {
      const value: unknown = Reflect.get(Object.hasOwn(changes, property) ? changes : of, property);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
}
