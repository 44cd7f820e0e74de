/**
 * Preconditions (RFC 9110, section 13). A tag is `"<version>[-<what else shows>]-<form>"`: the version of the record, which is what
 * If-Match is about; whatever else the answer shows that changes without it, a head for one; and the form, because two forms
 * have not the same bytes. So If-None-Match tells whether the whole answer is the same, and If-Match only whether the
 * record is.
 */
import { TidemarkError } from '../core/errors.ts';
import type { BodyForm } from './body.ts';

/** What may stand between a tag's quotes (RFC 9110, 8.8.3), less what is above ASCII. */
const opaque = /^[\x21\x23-\x7e]+$/;

/** The strong ETag of an answer. Throws `internal` when `tag` is none: it is the code's, without quotes. */
export function strongEtag(tag: string, form: BodyForm): string {
  if (!opaque.test(tag)) throw new TidemarkError('internal', 'a route gave what cannot be an ETag');
  return `"${tag}-${form}"`;
}

const entityTags = /^\s*(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*\s*$/;

/** Whether If-None-Match names this tag: then a GET is answered 304. A header that is no list of tags is no condition. */
export function matchesNone(headers: Headers, etag: string): boolean {
  const header = headers.get('if-none-match');
  if (header === null) return false;
  if (header.trim() === '*') return true;
  if (!entityTags.test(header)) return false;
  // The weak comparison, as a GET has it.
  return [...header.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag);
}

/**
 * The version that If-Match names: that of the ETag which was read; `*` for whatever version there is; null without the header. Throws
 * `malformed` on what is no tag and on several, `precondition-failed` on tags that no answer of ours had: weak ones and strange ones.
 */
export function ifMatchVersion(headers: Headers): number | '*' | null {
  const header = headers.get('if-match')?.trim();
  if (header === undefined) return null;
  if (header === '*') return '*';
  if (!entityTags.test(header) || header.includes(',')) {
    throw new TidemarkError('malformed', 'If-Match must be one ETag, or *', { data: { field: 'if-match' } });
  }
  const version = Number(/^"([1-9]\d{0,15})(?:-[^"]*)?"$/.exec(header)?.[1]);
  if (!Number.isSafeInteger(version)) {
    throw new TidemarkError('precondition-failed', 'that ETag is none of ours: read the thing again');
  }
  return version;
}
