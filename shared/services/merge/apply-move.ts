/**
 * `move`: another place for a node that stands. Of two devices that move one node to different places, the commit that came
 * first keeps its place and the second is told (docs/decisions/0006). A move has no content, so it cannot bring a deleted
 * node back by itself: it is refused as `gone`, and the client plans it again as a put.
 */
import { type Place, samePlace } from '../../core/tree/keys.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { MoveOperation } from '../../core/wire/operation.ts';
import { type MergeContext, hadSeen, nextVersion, outcomeAt, realId, refused, standing } from './merge-context.ts';
import { findConflictPlace, placeRefusal } from './placement.ts';

export async function applyMove(context: MergeContext, operation: MoveOperation): Promise<Outcome> {
  const { tree } = context;
  const nodeId = realId(context, operation.nodeId);
  const wanted: Place = { parentId: realId(context, operation.parentId), name: operation.name };
  const current = await tree.find(nodeId);
  if (current === undefined) return refused('gone', nodeId, wanted);
  if (samePlace(current.place, wanted)) return standing('agreed', current);
  const seen = await hadSeen(context, current.entry, operation.base);
  if (!seen && !samePlace(current.place, operation.basePlace)) return standing('kept', current);
  const reason = await placeRefusal(context, wanted, nodeId);
  if (reason !== undefined) return outcomeAt('refused', nodeId, current.place, current.entry.version, reason);
  const taken = (await tree.get(wanted)) !== undefined;
  const isIt = (occupant: string) => Promise.resolve(occupant === nodeId);
  const place = taken
    ? (await findConflictPlace(context, wanted, { nodeId, clockMs: operation.clockMs }, isIt)).place
    : wanted;
  const status = taken ? 'renamed' : 'applied';
  if (samePlace(place, current.place)) return outcomeAt(status, nodeId, place, current.entry.version);
  const version = nextVersion(context, current.entry.version);
  await tree.put(place, { ...current.entry, version });
  return outcomeAt(status, nodeId, place, version);
}
