/** Headers and byte range of the answers that succeed, for the HTTP endpoint and the store in memory alike. */
import type { BlobProperties } from '../../ports/blob-store.ts';
import type { ReadBlob } from './blob-request.ts';
import { resolveByteRange } from './byte-range.ts';
import { type BlobRefusal, refusals } from './refusal.ts';

/** The REST version whose answers these are. */
const serviceVersion = '2021-12-02';

export interface BlobReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes `from` (inclusive) to `to` (exclusive) of the blob are the body; none when they are equal. */
  readonly from: number;
  readonly to: number;
}

function blobHeaders(properties: BlobProperties): Record<string, string> {
  return {
    etag: `"${properties.etag}"`,
    'last-modified': new Date(properties.createdMs).toUTCString(),
    'x-ms-version': serviceVersion,
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-access-tier': `${properties.tier.charAt(0).toUpperCase()}${properties.tier.slice(1)}`,
  };
}

/** 201, for the blob that the request just made. */
export function createdReply(properties: BlobProperties): BlobReply {
  return { status: 201, headers: { ...blobHeaders(properties), 'content-length': '0' }, from: 0, to: 0 };
}

/** 201, for a block that was staged. */
export function stagedReply(): BlobReply {
  return { status: 201, headers: { 'x-ms-version': serviceVersion, 'content-length': '0' }, from: 0, to: 0 };
}

function matches(condition: string, etag: string): boolean {
  return condition.split(',').some((one) => one.trim() === '*' || one.trim() === `"${etag}"`);
}

/** 200 or 206, 304 or a refusal, for a blob that is there. */
export function readReply(request: ReadBlob, properties: BlobProperties): BlobReply | BlobRefusal {
  const headers = blobHeaders(properties);
  if (request.ifMatch !== undefined && !matches(request.ifMatch, properties.etag)) return refusals.condition;
  if (request.ifNoneMatch !== undefined && matches(request.ifNoneMatch, properties.etag)) {
    return { status: 304, headers, from: 0, to: 0 };
  }
  if (properties.tier === 'archive' && request.withBody) return refusals.archived;
  const whole = { from: 0, to: properties.length };
  const range = request.range === undefined ? whole : resolveByteRange(request.range, properties.length);
  if (range === undefined) return refusals.range;
  headers['accept-ranges'] = 'bytes';
  headers['content-type'] = 'application/octet-stream';
  headers['content-length'] = String(range.to - range.from);
  if (request.range !== undefined) {
    headers['content-range'] = `bytes ${range.from}-${range.to - 1}/${properties.length}`;
  }
  return { status: request.range === undefined ? 200 : 206, headers, ...range };
}
