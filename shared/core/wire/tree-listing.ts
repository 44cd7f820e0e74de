/** GET /workspaces/{ws}/tree?path=&after=: what a folder holds now, by name, one page. */
import { limits } from '../limits.ts';
import { entryValue } from './entry-value.ts';
import { type ValueOf, digest, integer, list, message, nodeId, optional, text } from './schema.ts';

/** `entry`: the bytes of the entry (tree/entry.ts); in JSON an object. */
export const treeListingItem = message('TreeListingItem', {
  name: text(limits.nameBytesMax),
  entry: entryValue,
});

/** `next`: pass it as `after` for the next page; null on the last. */
export const treeListing = message('TreeListing', {
  seq: integer(),
  root: digest,
  folderId: nodeId,
  items: list(treeListingItem, limits.treePageEntriesMax),
  next: optional(text(limits.nameBytesMax)),
});
export type TreeListing = ValueOf<typeof treeListing>;
