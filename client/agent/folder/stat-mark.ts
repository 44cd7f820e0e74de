/** Stat marks: whether a file is the one that was seen before. */
import type { FileStat } from '../file-system.ts';
import type { StatMark } from '../model.ts';

export function toStatMark(stat: FileStat): StatMark {
  const { size, mtimeMs, ctimeMs, ino, dev, mode } = stat;
  return { size, mtimeMs, ctimeMs, ino, dev, mode };
}

/** Whether nothing was done to the file between the two: then its content is the same, and it is not read. */
export function sameMark(a: StatMark, b: StatMark): boolean {
  return (
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.mode === b.mode
  );
}

/** Equal for marks of one inode, as text. */
export function inodeKey({ dev, ino }: Pick<FileStat, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/** Whether both are marks of one inode, whatever became of it. */
export function sameInode(a: StatMark, b: StatMark): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** Whether a file may have been moved only: rename changes the ctime and nothing else. Proof is in the content. */
export function sameButForCtime(a: StatMark, b: StatMark): boolean {
  return sameInode(a, b) && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/**
 * A mark that no stat equals, so that the next scan reads the file again. For files touched since the scan began: the clock of file
 * times is coarse (a few ms on Linux, 2 s on FAT), so a second write could leave the very same times.
 */
export function unsureMark(mark: StatMark): StatMark {
  return { ...mark, ctimeMs: 0 };
}
