/**
 * Staged blocks in Azure Blob's dialect: block ids of Put Block, and the body of Put Block List. Ids are base64 in a URL and in
 * the list; in between they are bytes. The list is read by its exact form: anything that Azure's own SDK would not write is
 * refused, so no XML parser, and none of its traps, is needed.
 *
 * Example: `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>q6urqw==</Latest></BlockList>`.
 */

/** Azure's bound on a block's id, before base64. */
const blockIdBytesMax = 64;
/** Four times what the largest pack has at the least length of a block. */
export const blocksMax = 64;
/** A list of so many of the longest ids, with room for spaces. */
export const blockListBytesMax = 16 * 1024;

/** Undefined when the text is not the base64 of 1 to 64 bytes in its one right form. */
export function parseBlockId(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.length > blockIdBytesMax || bytes.toString('base64') !== text) return undefined;
  return Uint8Array.from(bytes);
}

export interface ListedBlock {
  /** Where the block is to be found: among the staged ones, in the blob that is there, or the first of both that has it. */
  readonly from: 'latest' | 'uncommitted' | 'committed';
  readonly id: Uint8Array;
}

const sources = { Latest: 'latest', Uncommitted: 'uncommitted', Committed: 'committed' } as const;

/** The blocks of a list, in order; undefined when the body is not a list or has more than `blocksMax`. */
export function parseBlockList(body: string): readonly ListedBlock[] | undefined {
  const inner = /^\uFEFF?\s*(?:<\?xml[^<>]*\?>)?\s*<BlockList>([^]*)<\/BlockList>\s*$/.exec(body)?.[1];
  if (inner === undefined) return /<BlockList ?\/>\s*$/.test(body) ? [] : undefined;
  const blocks: ListedBlock[] = [];
  const entry = /\s*<(Latest|Uncommitted|Committed)>([A-Za-z0-9+/=]*)<\/\1>\s*/y;
  while (entry.lastIndex < inner.trimEnd().length) {
    const found = entry.exec(inner);
    const id = found === null ? undefined : parseBlockId(found[2]!);
    if (found === null || id === undefined || blocks.length === blocksMax) return undefined;
    blocks.push({ from: sources[found[1] as keyof typeof sources], id });
  }
  return blocks;
}
