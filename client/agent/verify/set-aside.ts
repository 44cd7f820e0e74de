/**
 * A damaged file gives way to the workspace's content without a byte of it lost: it is renamed, and what the journal knew of it is taken
 * back, so that the next sync fetches the node like one that was never here.
 *
 * The journal comes first. A crash before the rename leaves a file that nobody knows where the workspace has one: the next sync keeps both
 * of them. The other order would leave a file that is gone, which is what a deletion looks like.
 */
import { annotateName } from '../../../shared/core/paths/conflict-name.ts';
import { joinPath } from '../journal/paths.ts';
import type { FileSystem } from '../file-system.ts';
import { SafeFolders, folderOf } from '../folder/safe-folders.ts';
import { toStatMark } from '../folder/stat-mark.ts';
import { isUntouched } from '../folder/verify-chunks.ts';
import type { Journal } from '../journal/journal.ts';
import type { FileOfFolder } from './verify-contents.ts';

/** Names tried before it is given up. */
const namesMax = 1_000;

function freePath(fs: FileSystem, folders: SafeFolders, path: string, date: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (let n = 1; n <= namesMax; n++) {
    const aside = joinPath(folderOf(path), annotateName(name, `damaged copy ${date}${n === 1 ? '' : ` ${n}`}`));
    if (fs.lstat(folders.at(aside)) === undefined) return aside;
  }
  throw new RangeError('a thousand damaged copies of one file');
}

/**
 * The new path of the damaged file; undefined when it was changed, moved or deleted since it was read: that is the user's, and the next
 * sync takes it up. `date`: as in `2026-11-22`.
 */
export function setAside(
  fs: FileSystem,
  root: string,
  journal: Journal,
  file: FileOfFolder,
  date: string,
): string | undefined {
  const folders = new SafeFolders(fs, root);
  try {
    const found = fs.lstat(folders.at(file.path));
    if (found === undefined || !isUntouched(file.stat, toStatMark(found))) return undefined;
    const aside = freePath(fs, folders, file.path, date);
    journal.transaction(() => {
      journal.trees.rebase(file.nodeId, undefined);
      journal.trees.setLocal(file.nodeId, undefined);
    });
    fs.rename(folders.at(file.path), folders.at(aside));
    fs.flushFolder(folders.folder(folderOf(file.path)));
    return aside;
  } finally {
    folders.close();
  }
}
