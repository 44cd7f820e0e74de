/** Where a node may be put: the checks of a place, and the name that it gets when the one it asked for is taken. */
import { encode } from '@msgpack/msgpack';
import { utf8 } from '../../core/bytes.ts';
import { blake3 } from '../../core/hash/blake3.ts';
import { type NodeId, bytesToNodeId, idBytes, rootNodeId } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import { conflictName } from '../../core/paths/conflict-name.ts';
import { checkName } from '../../core/paths/name.ts';
import type { Place } from '../../core/tree/keys.ts';
import type { RefusalReason } from '../../core/wire/commit.ts';
import { type MergeContext, requestBytes } from './merge-context.ts';

/** Conflict names are tried in order up to this number; then a number that follows from the node is, so that no search is long. */
const triedInOrderMax = 100;

/**
 * Why a node cannot be at this place; undefined when it can. Does not ask whether the name is free.
 * @param moving the node, when it stands somewhere already: a folder cannot go into itself or anything below it.
 */
export async function placeRefusal(
  context: MergeContext,
  place: Place,
  moving?: NodeId,
): Promise<RefusalReason | undefined> {
  if (checkName(place.name) !== 'ok') return 'bad-name';
  if (place.parentId === rootNodeId) return undefined;
  const parent = await context.tree.find(place.parentId);
  if (parent === undefined) return 'missing-parent';
  if (parent.entry.kind !== 'folder') return 'not-a-folder';
  const depth = await context.tree.depthOf(place.parentId);
  if (depth === undefined || depth.folders >= limits.treeDepthMax) return 'too-deep';
  if (moving !== undefined && (await context.tree.isWithin(place.parentId, moving))) return 'cycle';
  return depth.pathBytes + utf8(place.name).length > limits.pathBytesMax ? 'too-deep' : undefined;
}

/**
 * The first conflict name of this one that is free, or that `isIt` says is taken by the very thing to be placed. It follows
 * from the operation and the tree alone, so a replay finds it again.
 */
export async function findConflictPlace(
  context: MergeContext,
  wanted: Place,
  node: { readonly nodeId: NodeId; readonly clockMs: number },
  isIt: (occupant: NodeId) => Promise<boolean>,
): Promise<{ readonly place: Place; readonly occupant: NodeId | undefined }> {
  const jump = Number.parseInt(node.nodeId.slice(0, 8), 16);
  for (let tried = 1; ; tried++) {
    const number = tried <= triedInOrderMax ? tried : tried + jump;
    const name = conflictName(wanted.name, context.deviceName, node.clockMs, number);
    const place = { parentId: wanted.parentId, name };
    const occupant = (await context.tree.get(place))?.nodeId;
    if (occupant === undefined || (await isIt(occupant))) return { place, occupant };
  }
}

/** The id of the node that an operation's content becomes in a conflict: the same however often the request is repeated. */
export async function copyNodeId(context: MergeContext, operationIndex: number): Promise<NodeId> {
  for (let attempt = 0; ; attempt++) {
    const seed = encode(['copy', requestBytes(context), operationIndex, attempt]);
    const nodeId = bytesToNodeId(blake3(seed).subarray(0, idBytes));
    if ((await context.tree.locate(nodeId)) === undefined) return nodeId;
  }
}
