/**
 * Nodes, manifests and segments, by hash. An object of at most 1 MiB is one document; the list of a huge file's segments, up to
 * 48 MiB, is cut into parts, stored before the document that counts them.
 */
import type { Digest, WorkspaceId } from '../../core/ids.ts';
import { concatBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import type { ObjectKind, ObjectStore } from '../../ports/metadata-store.ts';
import { bytesOf, bytesToText, integerOf } from './document.ts';
import { forEach, groupBy, readMany, upsertMany } from './many.ts';
import type { Document, Fields } from './table.ts';
import type { Tables } from './tables.ts';

/** Plain bytes in one document: 1.4 MB as base64, under the service's 2 MB. */
const partBytesMax = 1024 * 1024;

export function objectPk(workspaceId: WorkspaceId, hash: string): string {
  return `${workspaceId}-${hash[0]}`;
}

function objectToDocuments(pk: string, id: string, bytes: Uint8Array): { whole: Document; parts: Document[] } {
  if (bytes.length <= partBytesMax) return { whole: { pk, id, v: bytesToText(bytes) }, parts: [] };
  const count = Math.ceil(bytes.length / partBytesMax);
  const parts = Array.from({ length: count }, (_, i) => ({
    pk,
    id: `${id}-${i}`,
    v: bytesToText(bytes.subarray(i * partBytesMax, (i + 1) * partBytesMax)),
  }));
  return { whole: { pk, id, parts: count }, parts };
}

export function createCosmosObjectStore({ objects, attempt }: Tables): ObjectStore {
  async function joinParts(pk: string, id: string, count: number): Promise<Uint8Array> {
    const parts = await forEach(
      Array.from({ length: count }, (_, i) => `${id}-${i}`),
      (part) => objects.read(pk, part),
    );
    if (parts.includes(undefined)) throw new TidemarkError('corrupt', 'an object in the metadata lacks a part');
    return concatBytes(...parts.map((part) => bytesOf(part!.fields, 'v')));
  }

  function fieldsToBytes(pk: string, id: string, fields: Fields): Uint8Array | Promise<Uint8Array> {
    return 'v' in fields ? bytesOf(fields, 'v') : joinParts(pk, id, integerOf(fields, 'parts'));
  }

  async function getObjects(workspaceId: WorkspaceId, kind: ObjectKind, hashes: readonly Digest[]) {
    const byPartition = groupBy(new Set(hashes), (hash) => objectPk(workspaceId, hash));
    const found = new Map<string, Uint8Array>();
    await forEach([...byPartition], async ([pk, group]) => {
      const ids = group.map((hash) => `${kind}-${hash}`);
      for (const [id, fields] of await readMany(objects, pk, ids)) {
        found.set(id, await fieldsToBytes(pk, id, fields));
      }
    });
    return hashes.map((hash) => found.get(`${kind}-${hash}`)?.slice());
  }

  async function putObjects(workspaceId: WorkspaceId, kind: ObjectKind, given: ReadonlyMap<Digest, Uint8Array>) {
    const documents = [...given].map(([hash, bytes]) =>
      objectToDocuments(objectPk(workspaceId, hash), `${kind}-${hash}`, bytes),
    );
    await upsertMany(
      objects,
      documents.flatMap(({ parts }) => parts),
    );
    await upsertMany(
      objects,
      documents.map(({ whole }) => whole),
    );
  }

  return {
    getObjects: (workspaceId, kind, hashes) => attempt(() => getObjects(workspaceId, kind, hashes)),
    putObjects: (workspaceId, kind, given) => attempt(() => putObjects(workspaceId, kind, given)),
  };
}
