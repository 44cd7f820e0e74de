/**
 * What a request to a blob endpoint asks for, decided from its first line and headers alone, so that the HTTP endpoint
 * and the store in memory refuse and allow exactly the same. The dialect is Azure Blob's (REST 2015-02-21 and later): Put
 * Blob of block blobs, Get Blob, Get Blob Properties; in `staging`, Put Block and Put Block List.
 */
import { limits } from '../../core/limits.ts';
import type { Container } from '../../ports/blob-store.ts';
import { isBlobName, isContainer } from '../blob-name.ts';
import { blockListBytesMax, parseBlockId } from './block-list.ts';
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

/** Put Block: the body is one block of the blob of this name in `staging`. */
export interface StageBlock {
  readonly kind: 'stage-block';
  readonly name: string;
  readonly id: Uint8Array;
  readonly lengthBytes: number | undefined;
  readonly contentMd5: string | undefined;
}

/** Put Block List: the body is the list of blocks that make the blob of this name in `staging`. */
export interface CommitBlocks {
  readonly kind: 'commit-blocks';
  readonly name: string;
  readonly lengthBytes: number | undefined;
  readonly contentMd5: string | undefined;
}

export type BlobRequest =
  | CreateBlob
  | ReadBlob
  | StageBlock
  | CommitBlocks
  | { readonly kind: 'refused'; readonly refusal: BlobRefusal };

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

const stagingOperations: ReadonlySet<string | null> = new Set(['block', 'blocklist']);

function permissionFor(method: string, comp: string | null): BlobPermission | undefined {
  if (method === 'PUT') return stagingOperations.has(comp) ? 'cw' : 'c';
  return method === 'GET' || method === 'HEAD' ? 'r' : undefined;
}

/** The length that the request says its body has, if it says one; a refusal when it is none or over the limit. */
function parseLength(
  head: BlobRequestHead,
  bytesMax: number,
  tooLarge: BlobRefusal,
): { readonly lengthBytes: number | undefined } | BlobRefusal {
  const length = head.header('content-length');
  if (length === undefined) return { lengthBytes: undefined };
  if (!/^\d{1,15}$/.test(length)) return refusals.length;
  return Number(length) > bytesMax ? tooLarge : { lengthBytes: Number(length) };
}

function parseCreate(
  blob: { readonly container: Container; readonly name: string },
  head: BlobRequestHead,
): BlobRequest {
  if (head.header('x-ms-blob-type') !== 'BlockBlob') return refused(refusals.blobType);
  const length = parseLength(head, uploadBytesMax, refusals.tooLarge);
  if ('code' in length) return refused(length);
  const contentMd5 = head.header('x-ms-blob-content-md5') ?? head.header('content-md5');
  return { kind: 'create', ...blob, ...length, contentMd5 };
}

/** Conditions are refused rather than passed over: whoever sends one counts on it. */
function parseStaging(name: string, query: URLSearchParams, head: BlobRequestHead): BlobRequest {
  if (head.header('if-match') !== undefined || head.header('if-none-match') !== undefined)
    return refused(refusals.header);
  const contentMd5 = head.header('content-md5');
  if (query.get('comp') === 'blocklist') {
    const length = parseLength(head, blockListBytesMax, refusals.xml);
    return 'code' in length ? refused(length) : { kind: 'commit-blocks', name, ...length, contentMd5 };
  }
  const id = parseBlockId(query.get('blockid') ?? '');
  if (id === undefined) return refused(refusals.blockId);
  const length = parseLength(head, limits.stagedBlockBytesMax, refusals.blockTooLarge);
  return 'code' in length ? refused(length) : { kind: 'stage-block', name, id, ...length, contentMd5 };
}

/**
 * Decides one request at `nowMs`. A request without a right signature learns nothing: whether the blob is there or the
 * rest of the request makes sense is not looked at.
 */
export function parseBlobRequest(head: BlobRequestHead, key: Uint8Array, nowMs: number): BlobRequest {
  const mark = head.target.indexOf('?');
  const blob = parseBlobPath(mark < 0 ? head.target : head.target.slice(0, mark));
  if (blob === undefined) return refused(refusals.uri);
  const query = new URLSearchParams(mark < 0 ? '' : head.target.slice(mark + 1));
  const permission = permissionFor(head.method, query.get('comp'));
  if (permission === undefined) return refused(refusals.method);
  if (!isGranted(key, query, { permission, ...blob }, nowMs)) return refused(refusals.authentication);
  if (permission === 'cw') {
    return blob.container === 'staging' ? parseStaging(blob.name, query, head) : refused(refusals.authentication);
  }
  // `comp` and `restype` select Azure's other operations (Set Metadata, Get Block List, …), which are not served here.
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
