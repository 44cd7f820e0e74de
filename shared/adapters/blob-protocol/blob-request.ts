/**
 * What a request to a blob endpoint asks for, decided from its first line and headers alone, so that the HTTP endpoint
 * and the store in memory refuse and allow exactly the same. The dialect is Azure Blob's (REST 2015-02-21 and later): Put
 * Blob of block blobs, Get Blob, Get Blob Properties.
 */
import { limits } from '../../core/limits.ts';
import type { Container } from '../../ports/blob-store.ts';
import { isBlobName, isContainer } from '../blob-name.ts';
import { type ByteRange, parseByteRange } from './byte-range.ts';
import { type BlobRefusal, refusals } from './refusal.ts';
import { type BlobPermission, isGranted } from './signed-url.ts';

/** A full pack: frames, footer, and the two marks and the length around them. Nothing larger is ever uploaded. */
export const uploadBytesMax = limits.packBytesMax + limits.packFooterBytesMax + 64;

export interface BlobRequestHead {
  readonly method: string;
  /** Path and query as sent, not decoded. */
  readonly target: string;
  readonly header: (name: string) => string | undefined;
}

export interface CreateBlob {
  readonly kind: 'create';
  readonly container: Container;
  readonly name: string;
  /** Undefined when the request does not say. */
  readonly lengthBytes: number | undefined;
  /** Base64 of the body's MD5, when the sender wants it checked. */
  readonly contentMd5: string | undefined;
}

export interface ReadBlob {
  readonly kind: 'read';
  readonly container: Container;
  readonly name: string;
  readonly withBody: boolean;
  readonly range: ByteRange | undefined;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export type BlobRequest = CreateBlob | ReadBlob | { readonly kind: 'refused'; readonly refusal: BlobRefusal };

function refused(refusal: BlobRefusal): BlobRequest {
  return { kind: 'refused', refusal };
}

/** Container and name of a request's path, decoded once; undefined when they are not ones that a store would take. */
function parseBlobPath(path: string): { readonly container: Container; readonly name: string } | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  const slash = decoded.indexOf('/', 1);
  if (!decoded.startsWith('/') || slash < 0) return undefined;
  const container = decoded.slice(1, slash);
  const name = decoded.slice(slash + 1);
  return isContainer(container) && isBlobName(name) ? { container, name } : undefined;
}

function permissionFor(method: string): BlobPermission | undefined {
  if (method === 'PUT') return 'c';
  return method === 'GET' || method === 'HEAD' ? 'r' : undefined;
}

function parseCreate(
  blob: { readonly container: Container; readonly name: string },
  head: BlobRequestHead,
): BlobRequest {
  if (head.header('x-ms-blob-type') !== 'BlockBlob') return refused(refusals.blobType);
  const length = head.header('content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return refused(refusals.length);
  const lengthBytes = length === undefined ? undefined : Number(length);
  if (lengthBytes !== undefined && lengthBytes > uploadBytesMax) return refused(refusals.tooLarge);
  const contentMd5 = head.header('x-ms-blob-content-md5') ?? head.header('content-md5');
  return { kind: 'create', ...blob, lengthBytes, contentMd5 };
}

/**
 * Decides one request at `nowMs`. A request without a right signature learns nothing: whether the blob is there or the
 * rest of the request makes sense is not looked at.
 */
export function parseBlobRequest(head: BlobRequestHead, key: Uint8Array, nowMs: number): BlobRequest {
  const mark = head.target.indexOf('?');
  const blob = parseBlobPath(mark < 0 ? head.target : head.target.slice(0, mark));
  if (blob === undefined) return refused(refusals.uri);
  const permission = permissionFor(head.method);
  if (permission === undefined) return refused(refusals.method);
  const query = new URLSearchParams(mark < 0 ? '' : head.target.slice(mark + 1));
  if (!isGranted(key, query, { permission, ...blob }, nowMs)) return refused(refusals.authentication);
  // `comp` and `restype` select Azure's other operations (Put Block, Set Metadata, …), which are not served here.
  if (query.has('comp') || query.has('restype')) return refused(refusals.parameter);
  if (permission === 'c') return parseCreate(blob, head);
  return {
    kind: 'read',
    ...blob,
    withBody: head.method === 'GET',
    range: parseByteRange(head.header('x-ms-range') ?? head.header('range')),
    ifMatch: head.header('if-match'),
    ifNoneMatch: head.header('if-none-match'),
  };
}
