/** Paths in the simulated file system: how they are resolved, and what a rename may replace. POSIX's rules and error codes. */
import type { Inode, SimulatedDisk } from './simulated-disk.ts';

/** An error as node:fs throws it. */
export function fileError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code });
}

/** Where a path ends: a name in a folder, and what has that name. */
export interface Found {
  readonly folder: Inode;
  readonly name: string;
  readonly key: string;
  readonly inode: Inode | undefined;
}

const linksFollowedMax = 40;
const nameBytesMax = 255;

/**
 * Symlinks are followed, but at the last component. Undefined when a folder on the way is missing. Throws ENOTDIR where a file
 * stands for a folder (undefined again unless `isStrict`), ELOOP after 40 links, ENAMETOOLONG.
 */
export function findName(
  disk: SimulatedDisk,
  keyOf: (name: string) => string,
  call: string,
  path: string,
  isStrict = true,
  links = 0,
): Found | undefined {
  if (links > linksFollowedMax) throw fileError('ELOOP', call, path);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const last = names.pop();
  const root = disk.inode(1);
  if (last === undefined) return { folder: root, name: '', key: '', inode: root };
  // No character takes more than three bytes for each of its units.
  if (last.length * 3 > nameBytesMax && new TextEncoder().encode(last).length > nameBytesMax)
    throw fileError('ENAMETOOLONG', call, path);
  let folder = root;
  for (const [i, name] of names.entries()) {
    const entry = name === '..' ? { ino: folder.parent } : folder.names.get(keyOf(name));
    if (entry === undefined) return undefined;
    const next = disk.inode(entry.ino);
    if (next.kind === 'symlink') {
      const before = next.target.startsWith('/') ? '' : `/${names.slice(0, i).join('/')}`;
      const rest = [...names.slice(i + 1), last].join('/');
      return findName(disk, keyOf, call, `${before}/${next.target}/${rest}`, isStrict, links + 1);
    }
    if (next.kind !== 'folder') {
      if (!isStrict) return undefined;
      throw fileError('ENOTDIR', call, path);
    }
    folder = next;
  }
  const key = keyOf(last);
  const entry = folder.names.get(key);
  return { folder, name: last, key, inode: entry === undefined ? undefined : disk.inode(entry.ino) };
}

/** Throws unless `inode` may be renamed to where `target` is. */
export function checkReplace(disk: SimulatedDisk, inode: Inode, target: Found, from: string, to: string): void {
  for (let above = target.folder; above.ino !== 1; above = disk.inode(above.parent)) {
    if (above === inode) throw fileError('EINVAL', 'rename', `${from} -> ${to}`);
  }
  const old = target.inode;
  if (old === undefined || old === inode) return;
  if (old.kind === 'folder' && inode.kind !== 'folder') throw fileError('EISDIR', 'rename', to);
  if (old.kind !== 'folder' && inode.kind === 'folder') throw fileError('ENOTDIR', 'rename', to);
  if (old.names.size > 0) throw fileError('ENOTEMPTY', 'rename', to);
}
