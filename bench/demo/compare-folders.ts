/** Whether two folders hold the same, byte by byte: kinds, names, content, link targets, executable bits. */
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

function describe(path: string): string {
  const stat = lstatSync(path);
  const kind = stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'symlink' : 'file';
  return `${kind} ${kind === 'file' ? (stat.mode & 0o111).toString(8) : ''}`;
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name !== '.tidemark')
    .sort();
}

/** Every difference, as lines for a person; empty when the folders are the same. */
export function compareFolders(a: string, b: string, below = ''): string[] {
  const differences: string[] = [];
  const left = namesIn(join(a, below));
  const right = new Set(namesIn(join(b, below)));
  for (const name of left) {
    const path = join(below, name);
    if (!right.delete(name)) differences.push(`only in ${a}: ${path}`);
    else differences.push(...compareNode(a, b, path));
  }
  for (const name of right) differences.push(`only in ${b}: ${join(below, name)}`);
  return differences;
}

function compareNode(a: string, b: string, path: string): string[] {
  const [left, right] = [join(a, path), join(b, path)];
  const kind = describe(left);
  if (kind !== describe(right)) return [`${path}: ${kind} against ${describe(right)}`];
  if (kind.startsWith('folder')) return compareFolders(a, b, path);
  const same = kind.startsWith('symlink')
    ? readlinkSync(left) === readlinkSync(right)
    : readFileSync(left).equals(readFileSync(right));
  return same ? [] : [`${path}: content differs`];
}
