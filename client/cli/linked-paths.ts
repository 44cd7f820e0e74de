/** Paths as people give them, as paths in the linked folder that they lie in. What is at them need not be there. */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import { fileErrorCode } from '../agent/folder/file-problem.ts';
import { mustFindLink } from './agent.ts';
import { usageError } from './usage-error.ts';

export interface LinkedPaths {
  /** The root of the linked folder. */
  readonly folder: string;
  /** From the root, `/`-separated. */
  readonly paths: readonly string[];
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // Below a file there is nothing.
    if (fileErrorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** A link at the end is the thing itself; links on the way are followed. */
function realPath(path: string): { readonly existing: string; readonly full: string } {
  let existing = dirname(path);
  while (!isThere(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const real = realpathSync(existing);
  return { existing: real, full: join(real, relative(existing, path)) };
}

/** Throws `not-found` for a path in no linked folder, `malformed` for a root, or for paths in two folders. */
export function resolveLinkedPaths(texts: readonly string[]): LinkedPaths {
  const found = texts.map((text) => {
    const path = resolve(text);
    if (basename(path) === '') throw usageError(`${path} is in no linked folder`);
    const { existing, full } = realPath(path);
    const { folder } = mustFindLink(isRootOf(full) ? full : existing);
    if (folder === full) {
      throw usageError(`${text} is the whole folder: name something in it`);
    }
    return { folder, path: relative(folder, full).split(sep).join('/') };
  });
  const folders = new Set(found.map(({ folder }) => folder));
  const [folder, ...others] = folders;
  if (folder === undefined || others.length > 0) {
    throw usageError(`these paths are in ${folders.size} linked folders: name those of one at a time`);
  }
  return { folder, paths: found.map(({ path }) => path) };
}

/** Whether a path is the root of a linked folder itself. */
function isRootOf(path: string): boolean {
  return isThere(join(path, controlFolder));
}
