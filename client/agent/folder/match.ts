/**
 * Which node an open file or folder is (see walk.ts). Names are the identity that people see, inodes the one that survives a
 * rename; neither is proof, since editors replace files under their name and file systems give inodes out again.
 *
 * A folder is the known folder of its inode if a child of that one is in it, by name and inode (or both are empty); else the known
 * folder of its name; else new.
 *
 * A file under a known name keeps that node (atomic save), unless it is another known file that was moved here while the
 * node's own inode went elsewhere: a swap. Or unless that file is where an application was bringing it, which broke off before it was
 * journalled: then the name was freed by us, not by an editor that keeps a backup. A file under a new name is the known file of its inode if rename can have brought it here
 * (size and mtime are the same); later, when it was read, also the node it shares content with.
 */
import type { FileSystem } from '../file-system.ts';
import { joinPath } from '../journal/paths.ts';
import type { LocalNode } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';
import { errorToProblem } from './file-problem.ts';
import { inodeKey, sameButForCtime, sameInode } from './stat-mark.ts';
import type { Seen, Walk } from './walk.ts';

/** A decision: the node that an open thing is, or undefined for a new one. */
export interface Match {
  readonly seen: Seen;
  readonly node: LocalNode | undefined;
}

/** Whether something in the folder proves that it is `node`: a child with its name and inode, or that both are empty. */
function isFolderOf(fs: FileSystem, path: string, node: LocalNode, known: LocalKnowledge): boolean {
  const children = known.childrenOf(node.nodeId);
  try {
    if (children.length === 0) return fs.list(path).names.length === 0;
    return children.some((child) => {
      const stat = fs.lstat(joinPath(path, child.name));
      return stat !== undefined && stat.kind === child.kind && sameInode(stat, child.stat);
    });
  } catch (error) {
    errorToProblem(path, error);
    return false;
  }
}

/** Open folders that are known ones by inode. Those without a match stay open. */
export function matchFoldersByInode(
  walk: Walk,
  fs: FileSystem,
  known: LocalKnowledge,
  isClaimed: (node: LocalNode) => boolean,
): Match[] {
  return walk.openFolders.map((seen) => {
    const node = known
      .byInode(seen.stat.ino, seen.stat.dev)
      .find(
        (candidate) =>
          candidate.kind === 'folder' &&
          !isClaimed(candidate) &&
          !walk.isAtHome(candidate, seen) &&
          isFolderOf(fs, walk.absolute(seen.path), candidate, known),
      );
    return { seen, node };
  });
}

/** Open files and links, all at once, when every folder was walked. */
export function matchFiles(
  walk: Walk,
  known: LocalKnowledge,
  isClaimed: (node: LocalNode) => boolean,
  claim: (node: LocalNode) => void,
): Match[] {
  const openInodes = new Map<string, Seen>();
  for (const seen of walk.openFiles) openInodes.set(inodeKey(seen.stat), seen);
  const canBeHere = (node: LocalNode, seen: Seen): boolean =>
    node.kind === seen.stat.kind &&
    node.nodeId !== seen.byName?.nodeId &&
    !isClaimed(node) &&
    !walk.isAtHome(node, seen);
  const movedHere = (seen: Seen): LocalNode | undefined =>
    known
      .byInode(seen.stat.ino, seen.stat.dev)
      .find((node) => sameButForCtime(node.stat, seen.stat) && canBeHere(node, seen));
  // Whatever the user wrote into it meanwhile: an application moves a file with it.
  const broughtHere = (seen: Seen): LocalNode | undefined =>
    known
      .byInode(seen.stat.ino, seen.stat.dev)
      .find((node) => known.intendedPath(node.nodeId) === seen.path && canBeHere(node, seen));
  const brought = new Map<Seen, LocalNode>();
  for (const seen of walk.openFiles) {
    const node = broughtHere(seen);
    if (node === undefined) continue;
    claim(node);
    brought.set(seen, node);
  }
  const decide = (seen: Seen): Match => {
    const ours = brought.get(seen);
    if (ours !== undefined) return { seen, node: ours };
    const { byName } = seen;
    const wentElsewhere = byName !== undefined && openInodes.has(inodeKey(byName.stat));
    const keepsName = byName !== undefined && !isClaimed(byName) && !wentElsewhere;
    const node = keepsName ? byName : (movedHere(seen) ?? (isFree(byName) ? byName : undefined));
    if (node !== undefined) claim(node);
    return { seen, node };
  };
  const isFree = (node: LocalNode | undefined): boolean => node !== undefined && !isClaimed(node);
  // Known names first: what an editor renamed to its backup must not take the node along with it.
  const named = walk.openFiles.filter((seen) => seen.byName !== undefined).map(decide);
  return [...named, ...walk.openFiles.filter((seen) => seen.byName === undefined).map(decide)];
}
