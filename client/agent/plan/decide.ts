/**
 * What is to become of one node, from its three states alone (S synced, L local, R remote; `-` for not there):
 *
 *     S  L  R                                          decision
 *     -  L  -                                          push: it is new here
 *     -  -  R                                          pull: it is new there
 *     S  -  -                                          adopt: both are rid of it
 *     S  -  =S                                         push: deleted here
 *     S  -  R changed                                  forget: an edit or move beats a delete; it will be fetched
 *     S  =S -                                          pull: deleted there
 *     S  L changed  -                                  push: an edit or move beats a delete; it comes back
 *     S  =S R changed                                  pull
 *     S  L changed  =S                                 push
 *     S  L changed  R changed, L holds what R holds    adopt: equal is never a conflict
 *     S  L changed  R changed otherwise                push what only L changed; the server's rules decide
 *
 * A local file whose content is null is void: what lies there is not the user's doing (a write that broke off). It counts as
 * unchanged, and is fetched.
 */
import { type Entry, sameContent } from '../../../shared/core/tree/entry.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import { identical } from './same-entry.ts';

export type Decision =
  | { readonly kind: 'settled' }
  /** Only the merge base changes: it becomes the remote state. */
  | { readonly kind: 'adopt' }
  /** Only the merge base changes: the node counts as never materialised here. */
  | { readonly kind: 'forget' }
  /** Operations for the server: whether the place, the content or the whole node is to be told. */
  | {
      readonly kind: 'push';
      readonly what: 'create' | 'delete' | 'change';
      readonly place: boolean;
      readonly content: boolean;
    }
  /** Actions for the disk. */
  | { readonly kind: 'pull' };

export interface NodeStates {
  readonly synced: PlacedEntry | undefined;
  readonly local: LocalNode | undefined;
  readonly remote: PlacedEntry | undefined;
}

const settled: Decision = { kind: 'settled' };
const adopt: Decision = { kind: 'adopt' };
const forget: Decision = { kind: 'forget' };
const pull: Decision = { kind: 'pull' };
const create: Decision = { kind: 'push', what: 'create', place: true, content: true };
const remove: Decision = { kind: 'push', what: 'delete', place: false, content: false };

export function isVoid(node: LocalNode): boolean {
  return node.kind === 'file' && node.content === null;
}

/** Kind and content or target: what a user would miss. Not the executable bits. */
export function holdsBytes(node: LocalNode, entry: Entry): boolean {
  if (entry.kind === 'file') return node.kind === 'file' && node.content === entry.content;
  if (entry.kind === 'symlink') return node.kind === 'symlink' && node.target === entry.target;
  return node.kind === 'folder';
}

/** The same, and the executable bits of files. */
export function holdsEntry(node: LocalNode, entry: Entry): boolean {
  return holdsBytes(node, entry) && (entry.kind !== 'file' || (node.stat.mode & 0o111) === entry.mode);
}

/** Whether a user would see no difference. */
function alike(a: PlacedEntry, b: PlacedEntry): boolean {
  return samePlace(a, b) && sameContent(a.entry, b.entry);
}

export function decide({ synced, local, remote }: NodeStates): Decision {
  if (synced === undefined) return decideNew(local, remote);
  if (local === undefined) {
    if (remote === undefined) return adopt;
    return identical(remote, synced) ? remove : forget;
  }
  const changed = !isVoid(local) && !(samePlace(local, synced) && holdsEntry(local, synced.entry));
  if (remote === undefined) return changed ? create : pull;
  if (isVoid(local)) return pull;
  if (!changed) {
    if (identical(remote, synced)) return settled;
    return alike(remote, synced) ? adopt : pull;
  }
  return decideChanged(synced, local, remote);
}

function decideNew(local: LocalNode | undefined, remote: PlacedEntry | undefined): Decision {
  if (remote === undefined) return local === undefined ? settled : isVoid(local) ? pull : create;
  if (local === undefined || isVoid(local)) return pull;
  if (!holdsBytes(local, remote.entry)) return { kind: 'push', what: 'change', place: false, content: true };
  return samePlace(local, remote) ? adopt : pull;
}

/** All three are there, and the local one is not as it was synced. */
function decideChanged(synced: PlacedEntry, local: LocalNode, remote: PlacedEntry): Decision {
  const place = differs(local, synced, remote, samePlace);
  const content = differs(local, synced.entry, remote.entry, holdsEntry);
  // A bit of the mode against new bytes: the bytes come first, and what is left of the bit is pushed after them.
  const onlyMode = holdsBytes(local, synced.entry) && !sameBytes(synced.entry, remote.entry);
  if (place || (content && !onlyMode)) return { kind: 'push', what: 'change', place, content: content && !onlyMode };
  const same = samePlace(local, remote) && holdsEntry(local, remote.entry);
  return same ? adopt : pull;
}

function sameBytes(a: Entry, b: Entry): boolean {
  return sameContent({ ...a, mode: 0 }, { ...b, mode: 0 });
}

/** Whether one aspect was changed here to something that the server has not. */
function differs<T>(local: LocalNode, synced: T, remote: T, same: (local: LocalNode, other: T) => boolean): boolean {
  return !same(local, synced) && !same(local, remote);
}

/** The place of a node, without the rest. */
export function placeOf({ parentId, name }: Place): Place {
  return { parentId, name };
}
