/** Somebody with everything that a route can be about: what is asked for, and what others must not get. */
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import {
  type DeviceId,
  type Digest,
  type NodeId,
  type RequestId,
  type SessionId,
  type WorkspaceId,
  bytesToRequestId,
  digestsToColumn,
} from '../../../shared/core/ids.ts';
import { buildManifest } from '../../../shared/core/manifest/manifest.ts';
import { deviceView } from '../../../shared/core/wire/device.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { listQuarantine } from '../../../shared/services/admin/list-quarantine.ts';
import { connected } from '../../../shared/services/realtime/connected.ts';
import { encodeSeats } from '../../../shared/services/realtime/seats.ts';
import { verifyPack } from '../../../shared/services/verify-pack.ts';
import { call, must } from '../world/calls.ts';
import {
  TestDevice,
  createWorkspaceAs,
  idBytesOf,
  mkdirOperation,
  nodeOf,
  putOperation,
} from '../world/test-device.ts';
import { type Person, type TestWorld, userOf } from '../world/test-world.ts';

export interface Subject {
  readonly person: Person;
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  /** Registered and revoked. */
  readonly lostDeviceId: DeviceId;
  /** Open, with one pack that is not uploaded. */
  readonly sessionId: SessionId;
  /** The file of several chunks, and the small one. */
  readonly nodeId: NodeId;
  readonly smallId: NodeId;
  readonly folderId: NodeId;
  /** Of a commit that was answered. */
  readonly requestId: RequestId;
  readonly root: Digest;
  readonly segment: Digest;
  /** The first chunk of the file of several, and its length in bytes. */
  readonly chunk: Digest;
  readonly chunkBytes: number;
  readonly packId: Digest;
  /** Root node of the tree. */
  readonly mark: Digest;
  /** A bad pack's. */
  readonly quarantined: string;
  readonly seq: number;
}

/** What stands in names and contents of a subject, and nowhere else: seen by anybody else it is a leak. */
export function secretOf(person: Person): string {
  return `secret-of-${person}`;
}

/** Texts whose first ends a segment, so that the manifest of both has two. */
function chunksOf(person: Person): readonly [Uint8Array, Uint8Array] {
  for (let i = 0; ; i++) {
    const text = utf8(`${secretOf(person)} chunk ${i}`);
    if (blake3Digest(text).endsWith('00')) return [text, utf8(`${secretOf(person)} last`)];
  }
}

/** Puts a pack of other bytes than its name says, and has it verified: it ends in quarantine. */
async function quarantine(world: TestWorld, person: Person, workspaceId: WorkspaceId): Promise<string> {
  const packId = blake3Digest(utf8(`bad pack of ${person}`));
  await world.blobs.put('chunks', packBlobName(workspaceId, packId), utf8(`${secretOf(person)} bad bytes`));
  await verifyPack(world.deps, { workspaceId, packId });
  const { packs } = await listQuarantine(world.deps, { workspaceId, after: null });
  return packs[0]!.blobName;
}

export async function createSubject(world: TestWorld, person: Person): Promise<Subject> {
  const { workspaceId } = await createWorkspaceAs(world, person, { token: person });
  const device = await TestDevice.register(world, person, workspaceId, 'laptop');
  const lost = await TestDevice.register(world, person, workspaceId, 'lost');
  await must(
    call(world.api, {
      token: person,
      method: 'DELETE',
      path: `/devices/${lost.deviceId}`,
      response: deviceView,
    }),
  );
  const chunks = chunksOf(person);
  const hashes = chunks.map(blake3Digest);
  const built = buildManifest(1, {
    hashes: digestsToColumn(hashes),
    lengths: Uint32Array.from(chunks, ({ length }) => length),
  });
  const { session } = await device.upload(...chunks);
  const large = putOperation({ node: `${person} large`, name: `${secretOf(person)}.bin`, text: '' });
  const put = large.kind === 'put' ? { ...large, content: built.root, size: built.size } : large;
  const folder = mkdirOperation(`${person} folder`, `${secretOf(person)} folder`);
  const request = device.request([folder, put], {
    sessions: [session.sessionId],
    manifests: [{ root: built.root, manifest: built.manifest! }],
    segments: [...built.segments].map(([hash, segment]) => ({ hash, segment })),
  });
  const key = `first commit of ${person}`;
  await must(device.send(request, key));
  await device.commitPut({ node: `${person} small`, name: `${secretOf(person)}.txt`, text: secretOf(person) });
  const states = { user: userOf(person), seats: encodeSeats([device]), opened: '1' };
  await connected(world.deps, { connectionId: `of ${person}`, userHeader: null, states });
  const open = await must(device.openSession([utf8(`${secretOf(person)} to come`)]));
  const head = await world.deps.metadata.journal.getHead(workspaceId);
  return {
    person,
    workspaceId,
    deviceId: device.deviceId,
    lostDeviceId: lost.deviceId,
    sessionId: open.sessionId,
    nodeId: nodeOf(`${person} large`),
    smallId: nodeOf(`${person} small`),
    folderId: nodeOf(`${person} folder`),
    requestId: bytesToRequestId(idBytesOf(key)),
    root: built.root,
    segment: [...built.segments.keys()][0]!,
    chunk: hashes[0]!,
    chunkBytes: chunks[0].length,
    packId: session.packs[0]!.packId,
    mark: head!.root,
    quarantined: await quarantine(world, person, workspaceId),
    seq: head!.seq,
  };
}
