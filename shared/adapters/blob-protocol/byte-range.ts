/**
 * Single byte ranges of HTTP (RFC 9110, section 14). A range that this does not understand, several ranges included, is
 * ignored, as the RFC allows: the answer is then the whole blob with 200.
 */

/** `first` to `last`, both inclusive, as in the header; `suffix`: the last so many bytes. */
export type ByteRange =
  | { readonly kind: 'span'; readonly first: number; readonly last: number }
  | { readonly kind: 'suffix'; readonly bytes: number };

export function parseByteRange(header: string | undefined): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec((header ?? '').trim());
  if (match === null) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  if (first === '') return last === '' ? undefined : { kind: 'suffix', bytes: Number(last) };
  const span = { first: Number(first), last: last === '' ? Infinity : Number(last) };
  return span.last < span.first ? undefined : { kind: 'span', ...span };
}

/** The range as bytes `from` (inclusive) to `to` (exclusive) of a blob; undefined when none of it is there (416). */
export function resolveByteRange(
  range: ByteRange,
  length: number,
): { readonly from: number; readonly to: number } | undefined {
  const from = range.kind === 'suffix' ? Math.max(0, length - range.bytes) : range.first;
  const to = range.kind === 'suffix' ? length : Math.min(length, range.last + 1);
  return from < to ? { from, to } : undefined;
}
