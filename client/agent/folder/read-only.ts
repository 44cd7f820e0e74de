/**
 * Files read-only while the server cannot be reached: nobody edits in a consistency-first workspace what others may be editing. Only
 * the write permissions of files that are synced are taken; what is new here, and folders, are left alone. It keeps people from
 * saving by mistake, and nothing more: who may change permissions can give them back, and does nothing wrong by it.
 *
 * What is taken is written down before, durably, so a crash in between is harmless: `releaseReadOnly` gives back what is written down
 * to those files that still have no write permission, and to no others. A file that was replaced meanwhile has permissions of its own.
 * Write permissions are not synced, and a change of them is no change of the file: the stat by which it is known follows.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { FileSystem } from '../file-system.ts';
import type { Journal } from '../journal/journal.ts';
import { WriteBitsTable } from '../journal/write-bits-table.ts';
import type { LocalNode } from '../model.ts';
import { errorToProblem } from './file-problem.ts';
import { SafeFolders } from './safe-folders.ts';
import { sameButForCtime, sameMark, toStatMark } from './stat-mark.ts';

export interface ReadOnlyFolder {
  readonly fs: FileSystem;
  readonly root: string;
  readonly journal: Journal;
}

/** Files whose permissions share a transaction. */
const batchFiles = 512;

/** Takes the write permission from every synced file. Returns how many; none where the file system has no such permissions. */
export function holdReadOnly(folder: ReadOnlyFolder): number {
  let held = 0;
  let batch: LocalNode[] = [];
  for (const file of syncedFiles(folder.journal)) {
    batch.push(file);
    if (batch.length < batchFiles) continue;
    held += holdBatch(folder, batch);
    batch = [];
  }
  return held + holdBatch(folder, batch);
}

/** Gives back what was taken. What cannot be given back now (a file that was moved and not scanned since, a disk that fails) is tried the next time. */
export function releaseReadOnly({ fs, root, journal }: ReadOnlyFolder): number {
  const table = new WriteBitsTable(journal.database);
  let released = 0;
  const taken = table.list();
  for (let from = 0; from < taken.length; from += batchFiles) {
    const folders = new SafeFolders(fs, root);
    try {
      for (const { nodeId, ino, dev, bits } of taken.slice(from, from + batchFiles)) {
        const node = journal.trees.getLocal(nodeId);
        const outcome =
          node === undefined
            ? 'gone'
            : changeBits({ fs, root, journal }, folders, node, (stat, now) =>
                stat.ino === ino && stat.dev === dev && now === 0 ? bits : undefined,
              );
        if (outcome === 'missing') continue;
        if (outcome === 'changed') released++;
        table.remove(nodeId);
      }
    } finally {
      folders.close();
    }
  }
  return released;
}

/** Whether anything was taken and not given back: also after a crash. */
export function isHeldReadOnly(journal: Journal): boolean {
  return !new WriteBitsTable(journal.database).isEmpty();
}

function* syncedFiles({ trees, listings }: Journal): Generator<LocalNode> {
  const folders: NodeId[] = [rootNodeId];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const node of listings.localChildren(folder)) {
      if (node.kind === 'folder') folders.push(node.nodeId);
      else if (node.kind === 'file' && trees.getSynced(node.nodeId) !== undefined) yield node;
    }
  }
}

function holdBatch({ fs, root, journal }: ReadOnlyFolder, files: readonly LocalNode[]): number {
  const table = new WriteBitsTable(journal.database);
  const folders = new SafeFolders(fs, root);
  try {
    const taken: LocalNode[] = [];
    journal.transaction(() => {
      for (const node of files) {
        changeBits({ fs, root, journal }, folders, node, ({ ino, dev }, bits) => {
          if (bits === 0) return undefined;
          table.put({ nodeId: node.nodeId, ino, dev, bits });
          taken.push(node);
          return undefined;
        });
      }
    });
    for (const node of taken) changeBits({ fs, root, journal }, folders, node, () => 0);
    return taken.length;
  } finally {
    folders.close();
  }
}

/**
 * Gives a file the write permissions that `choose` answers, undefined for those that it has; the stat that it is known by follows.
 * `missing`: it is not there, or the disk did not do it.
 */
function changeBits(
  { fs, journal }: ReadOnlyFolder,
  folders: SafeFolders,
  node: LocalNode,
  choose: (stat: { readonly ino: number; readonly dev: number }, bits: number) => number | undefined,
): 'changed' | 'left' | 'missing' {
  const path = journal.localPath(node);
  if (path === undefined || fs.writeBits === undefined || fs.setWriteBits === undefined) return 'left';
  try {
    const at = folders.at(path);
    const before = fs.lstat(at);
    if (before?.kind !== 'file') return 'missing';
    const bits = choose(before, fs.writeBits(at));
    if (bits === undefined) return 'left';
    fs.setWriteBits(at, bits);
    const after = fs.lstat(at);
    const isKnown = after !== undefined && sameMark(toStatMark(before), node.stat) && sameButForCtime(after, before);
    if (isKnown) journal.trees.setLocal(node.nodeId, { ...node, stat: toStatMark(after) });
    return 'changed';
  } catch (error) {
    errorToProblem(path, error);
    return 'missing';
  }
}
