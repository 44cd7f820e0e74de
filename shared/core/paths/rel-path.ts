/** Paths from a workspace's root: names joined by `/`, no leading or trailing slash; the root itself is the empty path. */
import type { Brand } from '../brand.ts';
import { utf8 } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type NameFault, type RelName, checkName, nameFaults, parseName } from './name.ts';

/** A path whose every name passed `checkName`, within the limits of length and depth. */
export type RelPath = Brand<string, 'RelPath'>;

export type PathFault = NameFault | 'path-too-long' | 'too-deep';

/** What is wrong, for a person. */
export const pathFaults: Readonly<Record<PathFault, string>> = {
  ...nameFaults,
  'path-too-long': 'it is over 4,096 UTF-8 bytes',
  'too-deep': 'it is over 1,024 folders deep',
};

/** What is wrong with a path, or `ok`. The empty path, the root, is fine; an empty name inside is not. */
export function checkPath(path: string): 'ok' | PathFault {
  if (path === '') return 'ok';
  if (path.length > limits.pathBytesMax) return 'path-too-long';
  if (!path.isWellFormed()) return 'ill-formed';
  if (utf8(path).length > limits.pathBytesMax) return 'path-too-long';
  const names = path.split('/');
  if (names.length > limits.treeDepthMax) return 'too-deep';
  for (const name of names) {
    const fault = checkName(name);
    if (fault !== 'ok') return fault;
  }
  return 'ok';
}

function isPath(path: string): path is RelPath {
  return checkPath(path) === 'ok';
}

/** Throws `malformed`, with the fault in `data.reason`. Absolute paths have an empty first name, so they are refused. */
export function parseRelPath(path: string): RelPath {
  if (isPath(path)) return path;
  const reason = checkPath(path);
  const why = reason === 'ok' ? '' : pathFaults[reason];
  throw new TidemarkError('malformed', `this cannot be a path in a workspace: ${why}`, { data: { reason } });
}

export const rootPath: RelPath = parseRelPath('');

/** The path of `name` in a folder. Throws `malformed` when the name or the result is no path, `a/b` as a name included. */
export function joinRelPath(folder: RelPath, name: string): RelPath {
  parseName(name);
  return parseRelPath(folder === rootPath ? name : `${folder}/${name}`);
}

/** The names of a path from the top; none for the root. */
export function pathSegments(path: RelPath): readonly RelName[] {
  return path === rootPath ? [] : path.split('/').map(parseName);
}

/** The folder that a path lies in; undefined for the root. */
export function parentPath(path: RelPath): RelPath | undefined {
  if (path === rootPath) return undefined;
  const slash = path.lastIndexOf('/');
  return slash < 0 ? rootPath : parseRelPath(path.slice(0, slash));
}

/** Names from the root: 0 for the root itself, 1 for what lies in it. */
export function pathDepth(path: RelPath): number {
  return path === rootPath ? 0 : path.split('/').length;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: RelPath, folder: RelPath): boolean {
  return folder === rootPath || path === folder || path.startsWith(`${folder}/`);
}
