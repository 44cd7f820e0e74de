/** `mkdir`: a folder that shall be there. Folders of one name in one place are one folder, whoever made them. */
import type { Place } from '../../core/tree/keys.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { MkdirOperation } from '../../core/wire/operation.ts';
import { type MergeContext, outcomeAt, realId, refused, returningVersion, standing } from './merge-context.ts';
import { findConflictPlace, placeRefusal } from './placement.ts';

export async function applyMkdir(context: MergeContext, operation: MkdirOperation): Promise<Outcome> {
  const { tree } = context;
  const nodeId = realId(context, operation.nodeId);
  const current = await tree.find(nodeId);
  if (current !== undefined) {
    if (current.entry.kind === 'folder') return standing('agreed', current);
    return outcomeAt('refused', nodeId, current.place, current.entry.version, 'kind-changed');
  }
  const wanted: Place = { parentId: realId(context, operation.parentId), name: operation.name };
  const reason = await placeRefusal(context, wanted);
  if (reason !== undefined) return refused(reason, nodeId, wanted);
  const occupant = await tree.get(wanted);
  if (occupant?.kind === 'folder') {
    context.aliases.set(operation.nodeId, occupant.nodeId);
    return standing('agreed', { place: wanted, entry: occupant });
  }
  const version = returningVersion(context, operation.base);
  const { mtimeMs, clockMs } = operation;
  const none = () => Promise.resolve(false);
  const place =
    occupant === undefined ? wanted : (await findConflictPlace(context, wanted, { nodeId, clockMs }, none)).place;
  await tree.put(place, { kind: 'folder', nodeId, version, mtimeMs, mode: 0 });
  return outcomeAt(occupant === undefined ? 'applied' : 'renamed', nodeId, place, version);
}
