/** `tide status --all`: the folders of this device that are noted as linked, each asked in turn. */
import { existsSync } from 'node:fs';
import { readLink } from '../agent/folder/control-folder.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { type FolderStatus, statusAction } from './actions/status.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { errorToJson, errorToText } from './errors.ts';
import { forgetLinkedFolder, listLinkedFolders } from './linked-folders.ts';
import { runAction } from './run-action.ts';
import { statusToLines } from './status-lines.ts';

export type FolderOfAll = FolderStatus | { readonly folder: string; readonly error: unknown };

/** A folder that is there and is linked no more is forgotten; one that is not there may be on a disk that is not mounted. */
function isStillLinked(context: CliContext, folder: string): boolean {
  if (!existsSync(folder)) return true;
  const isLinked = readLink(createNodeFileSystem(), folder) !== undefined;
  if (!isLinked) forgetLinkedFolder(context.stateFolder, folder);
  return isLinked;
}

/** What is wrong with one folder keeps no other from being shown. */
export async function statusOfAll(context: CliContext, options: OutputOptions): Promise<FolderOfAll[]> {
  const all: FolderOfAll[] = [];
  for (const { folder } of listLinkedFolders(context.stateFolder)) {
    context.signal.throwIfAborted();
    try {
      if (isStillLinked(context, folder)) all.push(await runAction(context, options, folder, statusAction, {}));
    } catch (error) {
      context.signal.throwIfAborted();
      all.push({ folder, error });
    }
  }
  return all;
}

export function allToJson(all: readonly FolderOfAll[]): { readonly folders: readonly unknown[] } {
  return { folders: all.map((each) => ('error' in each ? { folder: each.folder, ...errorToJson(each.error) } : each)) };
}

export function allToLines(all: readonly FolderOfAll[]): string[] {
  if (all.length === 0) return ['No folder of this device is linked. Link one: tide link FOLDER --workspace NAME'];
  return all.flatMap((each) =>
    'error' in each ? [`${each.folder}: ${errorToText(each.error)}`] : statusToLines(each),
  );
}
