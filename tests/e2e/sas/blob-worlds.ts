/**
 * A service whose blobs are behind a real HTTP endpoint: the disk endpoint, and Azurite over the adapter that production uses. Two people
 * have a workspace each, with a pack that is stored; and ann has one to upload.
 */
import type { TestContext } from 'node:test';
import { createBlobServer } from '../../../local/blob/blob-server.ts';
import { startAzurite } from '../../../local/azurite/azurite.ts';
import { createAzureBlobStore } from '../../../shared/adapters/azure-blob/azure-blob-store.ts';
import { connectionStringAccess } from '../../../shared/adapters/azure-storage/storage-access.ts';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { bytesToHex, utf8 } from '../../../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type SessionId, digestsToColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { downloadSessionRequest, downloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import { uploadSessionStatus } from '../../../shared/core/wire/upload-status.ts';
import type { ApiDependencies } from '../../../shared/api/api.ts';
import { type BlobStore, containers } from '../../../shared/ports/blob-store.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { silentLog } from '../../../shared/ports/log.ts';
import { packBlobName, stagedPackName } from '../../../shared/services/pack-name.ts';
import type { NamedPack } from '../../../shared/services/verify-pack.ts';
import { call, must } from '../../api/world/calls.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { type Person, createTestWorld } from '../../api/world/test-world.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

/** Storage, with a clock that only its URLs go by. */
interface Backend {
  readonly store: BlobStore;
  /** Makes the URLs that were signed before expired ones, or says that the next are. */
  readonly clock: { ms: number };
}

export type MakeBackend = (t: TestContext) => Promise<Backend>;

class SettableClock implements Clock {
  ms = systemClock.now();
  now(): number {
    return this.ms;
  }
}

export const disk: MakeBackend = async (t) => {
  const clock = new SettableClock();
  const folder = await createTemporaryFolder(t);
  const key = new Uint8Array(32).fill(9);
  const server = createBlobServer({ folder, key, clock, log: silentLog });
  const endpoint = await server.start('127.0.0.1', 0);
  t.after(() => server.close(0));
  return { store: createDiskBlobStore({ folder, endpoint, key, clock }), clock };
};

export const azurite: MakeBackend = async (t) => {
  const clock = new SettableClock();
  const server = await startAzurite({ folder: null });
  t.after(() => server.close(0));
  const access = connectionStringAccess(server.connectionString, 'blob');
  return { store: createAzureBlobStore({ access, clock, createContainers: true }), clock };
};

export type UrlKind = 'create' | 'status' | 'staged' | 'read';

export interface SasWorld {
  readonly store: BlobStore;
  readonly clock: { ms: number };
  /** Of each kind a URL that a route has issued to ann. */
  readonly urls: Readonly<Record<UrlKind, string>>;
  /** New ones; `signed`: by the store itself, for the same things, where a route would find them done. */
  readonly issue: (signed?: boolean) => Promise<Readonly<Record<UrlKind, string>>>;
  readonly deps: ApiDependencies;
  readonly sessionId: SessionId;
  /** That ann has to upload. */
  readonly pack: NamedPack;
  /** Blobs that the holder of a URL of a kind may bring about, `container/name`; null where it is none. */
  readonly target: Readonly<Record<UrlKind, string | null>>;
  /** Of ann's stored pack, and of bob's: names in `chunks`. */
  readonly stored: string;
  readonly foreign: string;
  /** A URL of bob's that reads what is his. */
  readonly foreignUrl: string;
  /** Every blob with its bytes, and what is staged; `except` one. */
  readonly snapshot: (except: string | null) => Promise<string>;
}

export const secretText = 'stored bytes that nobody may see';

async function snapshotOf(store: BlobStore, stagedName: string, except: string | null): Promise<string> {
  const seen: unknown[] = [];
  for (const container of containers) {
    for await (const { name, etag, tier } of store.listBlobs(container, '')) {
      if (`${container}/${name}` === except) continue;
      const bytes = await store.get(container, name);
      seen.push([container, name, etag, tier, bytesToHex(blake3(bytes!))]);
    }
  }
  if (`staging/${stagedName}` !== except) seen.push(await store.staged(stagedName));
  return JSON.stringify(seen);
}

export async function createSasWorld(t: TestContext, make: MakeBackend): Promise<SasWorld> {
  const { store, clock } = await make(t);
  const plain = createTestWorld({ adapt: (deps) => ({ ...deps, blobs: store }) });
  // Devices put their packs where the URLs lead.
  const world = { ...plain, blobs: { ...plain.blobs, fetch: (request: Request) => fetch(request) } };
  const withPack = async (person: Person) => {
    const { workspaceId } = await createWorkspaceAs(world, person, { token: person });
    const device = await TestDevice.register(world, person, workspaceId, 'laptop');
    const text = `${secretText} of ${person}`;
    await device.commitPut({ node: person, name: person, text });
    return {
      device,
      workspaceId,
      hash: blake3Digest(utf8(text)),
      name: packBlobName(workspaceId, blake3Digest(utf8(text))),
    };
  };
  const [ann, bob] = [await withPack('ann'), await withPack('bob')];
  const toCome = utf8('to be uploaded');
  const packId = blake3Digest(toCome);
  const session = await must(ann.device.openSession([toCome]));
  const readUrl = async ({ workspaceId, hash, device }: typeof ann): Promise<string> => {
    const request = { workspaceId, hashes: digestsToColumn([hash]) };
    const answer = await must(
      call(world.api, {
        token: device.person,
        path: '/download/session',
        request: [downloadSessionRequest, request],
        response: downloadSessionResponse,
      }),
    );
    return answer.packs[0]!.url;
  };
  const statusUrl = async (staged: boolean): Promise<string> => {
    const path = `/upload/session/${session.sessionId}?workspace=${ann.workspaceId}&staged=${staged}`;
    const { packs } = await must(call(world.api, { token: 'ann', path, response: uploadSessionStatus }));
    return packs[0]!.url!;
  };
  const stagedName = stagedPackName({ workspaceId: ann.workspaceId, sessionId: session.sessionId, packId });
  const chunkName = packBlobName(ann.workspaceId, packId);
  const sign = async () => ({
    create: await store.createUrl('chunks', chunkName, limits.uploadUrlSeconds),
    status: await store.createUrl('chunks', chunkName, limits.uploadUrlSeconds),
    staged: await store.stageUrl(stagedName, limits.uploadUrlSeconds),
    read: await store.readUrl('chunks', ann.name, limits.downloadUrlSeconds),
  });
  const ask = async () => ({
    create: (await must(ann.device.openSession([toCome]))).packs[0]!.url,
    status: await statusUrl(false),
    staged: await statusUrl(true),
    read: await readUrl(ann),
  });
  const chunk = `chunks/${chunkName}`;
  return {
    store,
    clock,
    urls: await ask(),
    issue: (signed = false) => (signed ? sign() : ask()),
    deps: world.deps,
    sessionId: session.sessionId,
    pack: { workspaceId: ann.workspaceId, packId },
    target: { create: chunk, status: chunk, staged: `staging/${stagedName}`, read: null },
    stored: ann.name,
    foreign: bob.name,
    foreignUrl: await readUrl(bob),
    snapshot: (except) => snapshotOf(store, stagedName, except),
  };
}
