/**
 * Settling conflict copies as a person said, by ordinary changes of this disk that the next sync tells the server:
 *
 *     remote   the original stays as it is; the copy is deleted
 *     local    the original gets the copy's content; the copy is deleted. Without an original the copy takes its name
 *     both     the original stays as it is; the copy gets a plain name of its own
 *
 * The server keeps every version: the content that the original had, and the copy. So both must be synced, or nothing is done.
 * `local` first gives the original its new content, whole, and deletes the copy only when that is on the disk: after a
 * crash in between there are two files with that content, and doing it again ends it. The only version of something is never deleted.
 */
import { noStat } from '../journal/rows.ts';
import type { Journal } from '../journal/journal.ts';
import type { LocalNode } from '../model.ts';
import type { ApplyAction, ApplyResult, Folder } from '../ports.ts';
import type { OpenConflict } from './list-conflicts.ts';

export type Keep = 'local' | 'remote' | 'both';

/** Why a conflict was left as it is. */
export type Refusal = 'not-synced' | 'only-version' | 'folder' | 'kinds-differ' | 'several-copies' | 'busy';

export interface Resolving {
  readonly journal: Journal;
  readonly folder: Folder;
  readonly signal: AbortSignal;
}

/** Settles one conflict. Throws what server and network throw, where content has to be fetched. */
export async function resolveConflict(tools: Resolving, conflict: OpenConflict, keep: Keep): Promise<Refusal | null> {
  const { journal } = tools;
  const { copy, original } = conflict;
  if (!isSynced(journal, copy) || (original !== null && !isSynced(journal, original))) return 'not-synced';
  if (keep === 'both') return rename(tools, conflict, plainName(journal, conflict));
  if (original === null) {
    return keep === 'local' ? rename(tools, conflict, conflict.name.original) : 'only-version';
  }
  if (copy.kind === 'folder' || original.kind === 'folder') return 'folder';
  if (keep === 'local') {
    const refusal = await replaceOriginal(tools, conflict, original);
    if (refusal !== null) return refusal;
  }
  return removeCopy(tools, conflict);
}

/** Whether the server has what is here: then its history keeps it. */
function isSynced({ trees }: Journal, { nodeId }: LocalNode): boolean {
  return trees.getSynced(nodeId) !== undefined && !trees.isLocalChange(nodeId) && !trees.isRemoteChange(nodeId);
}

async function apply(tools: Resolving, action: ApplyAction): Promise<(ApplyResult & { readonly done: true }) | 'busy'> {
  const { journal, folder, signal } = tools;
  const [result] = await folder.apply([action], journal.knowledge, signal);
  return result?.done === true ? result : 'busy';
}

async function replaceOriginal(
  tools: Resolving,
  { copy, originalPath }: OpenConflict,
  original: LocalNode,
): Promise<Refusal | null> {
  const { journal } = tools;
  if (copy.kind !== original.kind || originalPath === null) return 'kinds-differ';
  const action = contentAction(original, originalPath, copy);
  if (action === undefined) return 'not-synced';
  const { content, size, mtimeMs } = action.kind === 'write-file' ? action : { content: null, size: 0, mtimeMs: 0 };
  journal.intents.add([{ nodeId: original.nodeId, path: originalPath, content, size, mtimeMs }]);
  const result = await apply(tools, action);
  journal.transaction(() => {
    journal.intents.remove(original.nodeId);
    if (result === 'busy') return;
    if (result.chunks) journal.contents.add(result.chunks);
    const { content: held, target } = copy;
    journal.trees.setLocal(original.nodeId, { ...original, content: held, target, stat: result.stat ?? noStat });
  });
  return result === 'busy' ? 'busy' : null;
}

function contentAction({ nodeId, stat: expected }: LocalNode, path: string, copy: LocalNode): ApplyAction | undefined {
  if (copy.kind === 'symlink') return { kind: 'make-symlink', nodeId, path, target: copy.target ?? '', expected };
  if (copy.content === null) return undefined;
  const { size, mode, mtimeMs } = copy.stat;
  return { kind: 'write-file', nodeId, path, content: copy.content, size, mode: mode & 0o111, mtimeMs, expected };
}

async function removeCopy(tools: Resolving, { copy, copyPath }: OpenConflict): Promise<Refusal | null> {
  const { nodeId, stat: expected } = copy;
  const result = await apply(tools, { kind: 'remove-file', nodeId, path: copyPath, expected });
  if (result === 'busy') return 'busy';
  tools.journal.transaction(() => tools.journal.trees.setLocal(nodeId, undefined));
  return null;
}

async function rename(tools: Resolving, { copy, copyPath }: OpenConflict, name: string): Promise<Refusal | null> {
  const { nodeId, kind: what, stat: expected } = copy;
  const path = copyPath.slice(0, copyPath.lastIndexOf('/') + 1) + name;
  const result = await apply(tools, { kind: 'move', nodeId, what, from: copyPath, path, expected });
  if (result === 'busy') return 'busy';
  tools.journal.transaction(() => tools.journal.trees.setLocal(nodeId, { ...copy, name, stat: result.stat ?? noStat }));
  return null;
}

/** `report (Ann's laptop 2026-11-22).docx`, with a number where that is taken. */
function plainName({ listings }: Journal, { copy, name }: OpenConflict): string {
  const { original, deviceName, date } = name;
  const at = copy.name.lastIndexOf(' (conflicted copy of ');
  const extension = original.slice(at);
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : ` ${number}`;
    const plain = `${original.slice(0, at)} (${deviceName} ${date}${suffix})${extension}`;
    if (listings.localAt({ parentId: copy.parentId, name: plain }) === undefined) return plain;
  }
}
