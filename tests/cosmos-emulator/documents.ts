/** What can be done to one document, alone or in a batch. */
import { randomUUID } from 'node:crypto';
import { createCharge, deleteCharge, readCharge, replaceCharge } from './charges.ts';
import { indexedPaths, partitionKeyProperty } from './definition.ts';
import { Refusal } from './refusal.ts';
import type { Container, Storage } from './storage.ts';

export const documentBytesMax = 2 * 1024 * 1024;

export interface Done {
  readonly status: number;
  readonly charge: number;
  readonly etag?: string;
  readonly body?: unknown;
}

/** Where a write goes: the container, its partition key as the header has it, and the LSN of the request. */
export interface Place {
  readonly storage: Storage;
  readonly container: Container;
  readonly pk: string;
  readonly lsn: number;
  readonly nowMs: number;
}

function checkId(id: unknown): string {
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > 1023 || /[/\\?#]|\s$/.test(id)) {
    throw new Refusal(400, 'a document id has 1 to 1,023 bytes, none of them / \\ ? #, and no space at its end');
  }
  return id;
}

function ttlOf(container: Container, document: Readonly<Record<string, unknown>>): number | null {
  const { ttl } = document;
  if (ttl !== undefined && ttl !== -1 && !(typeof ttl === 'number' && Number.isInteger(ttl) && ttl > 0)) {
    throw new Refusal(400, 'ttl is -1 or a whole number of seconds, at least 1');
  }
  const { defaultTtl } = container.definition;
  if (defaultTtl === undefined) return null;
  const seconds = ttl ?? defaultTtl;
  return seconds === -1 ? null : seconds;
}

function store(
  place: Place,
  given: unknown,
): { readonly etag: string; readonly body: unknown; readonly bytes: number } {
  if (typeof given !== 'object' || given === null) throw new Refusal(400, 'a document is an object');
  const document = given as Record<string, unknown>;
  const id = checkId(document['id']);
  const property = partitionKeyProperty(place.container.definition);
  if (JSON.stringify([document[property]]) !== place.pk) {
    throw new Refusal(400, 'the partition key in the document is not the one in the header', { substatus: 1001 });
  }
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes > documentBytesMax) throw new Refusal(413, 'request size is too large');
  const etag = `"${randomUUID()}"`;
  const stored = { ...document, _rid: place.container.rid, _self: '', _attachments: '', _etag: etag };
  const body = { ...stored, _ts: Math.floor(place.nowMs / 1000) };
  const ttl = ttlOf(place.container, document);
  place.storage.put(place.container.rid, place.lsn, { pk: place.pk, id, body: JSON.stringify(body), etag }, ttl);
  return { etag, body, bytes };
}

function find(place: Place, id: string) {
  return place.storage.find(place.container.rid, place.pk, id, Number.MAX_SAFE_INTEGER);
}

function mustFind(place: Place, id: string, ifMatch: string | undefined) {
  const found = find(place, id);
  if (found === undefined) throw new Refusal(404, 'entity with the specified id does not exist in the system');
  if (ifMatch !== undefined && ifMatch !== found.etag) {
    throw new Refusal(412, 'one of the specified pre-conditions is not met');
  }
  return found;
}

export function create(place: Place, document: unknown): Done {
  const id = checkId((document as { id?: unknown } | null)?.id);
  if (find(place, id) !== undefined)
    throw new Refusal(409, 'entity with the specified id already exists in the system');
  const { etag, body, bytes } = store(place, document);
  return { status: 201, charge: createCharge(bytes, indexedPaths(place.container.definition)), etag, body };
}

export function replace(place: Place, id: string, document: unknown, ifMatch: string | undefined): Done {
  mustFind(place, id, ifMatch);
  if ((document as { id?: unknown } | null)?.id !== id) throw new Refusal(400, 'a replacement keeps the id');
  const { etag, body, bytes } = store(place, document);
  return { status: 200, charge: replaceCharge(bytes, indexedPaths(place.container.definition)), etag, body };
}

export function upsert(place: Place, document: unknown, ifMatch: string | undefined): Done {
  const id = checkId((document as { id?: unknown } | null)?.id);
  return find(place, id) === undefined ? create(place, document) : replace(place, id, document, ifMatch);
}

export function remove(place: Place, id: string, ifMatch: string | undefined): Done {
  mustFind(place, id, ifMatch);
  place.storage.put(place.container.rid, place.lsn, { pk: place.pk, id, body: null, etag: null }, null);
  return { status: 204, charge: deleteCharge(indexedPaths(place.container.definition)) };
}

/** A read as of an LSN, which may lag. */
export function read(place: Place, id: string): Done {
  const found = place.storage.find(place.container.rid, place.pk, id, place.lsn);
  if (found === undefined) throw new Refusal(404, 'entity with the specified id does not exist in the system');
  const charge = readCharge(Buffer.byteLength(found.body));
  return { status: 200, charge, etag: found.etag, body: JSON.parse(found.body) };
}
