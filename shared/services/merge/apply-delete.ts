/** `delete`: a node that shall go. It loses to anything that its author had not seen, and to anything left in a folder. */
import { rootNodeId } from '../../core/ids.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { DeleteOperation } from '../../core/wire/operation.ts';
import { type MergeContext, hadSeen, outcomeAt, realId, standing } from './merge-context.ts';

export async function applyDelete(context: MergeContext, operation: DeleteOperation): Promise<Outcome> {
  const { tree } = context;
  const nodeId = realId(context, operation.nodeId);
  const current = await tree.find(nodeId);
  if (current === undefined) return outcomeAt('agreed', nodeId, { parentId: rootNodeId, name: '' }, []);
  if (!(await hadSeen(context, current.entry, operation.base))) return standing('kept', current);
  if (current.entry.kind === 'folder' && (await tree.hasChildren(nodeId))) return standing('kept', current);
  await tree.remove(nodeId);
  return outcomeAt('applied', nodeId, current.place, current.entry.version);
}
