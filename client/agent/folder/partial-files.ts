/**
 * Files whose download was broken off, by a crash or by the network: what was written of them serves the next download of the same
 * content as a source of chunks, each of which is hashed before it is used. So a partial that is empty, torn or of something else
 * costs what it saves and harms nothing; nothing else reads them, and no scan sees the control folder.
 *
 *     tmp/w-<n>-<content>    being written
 *     tmp/p-<content>        what an earlier attempt wrote, from the beginning on
 */
import { type Digest, parseDigest } from '../../../shared/core/ids.ts';
import type { FileSystem } from '../file-system.ts';
import { tempFolder, tempPath } from './control-folder.ts';
import { errorToProblem } from './file-problem.ts';
import { fileTime } from './file-time.ts';

/** What was written of a content: bytes from its beginning. The path is relative to the root. */
export interface PartialFile {
  readonly path: string;
  readonly bytes: number;
}

interface FoundPartial extends PartialFile {
  readonly changedMs: number;
}

/** Less is fetched again as fast as it is looked for. */
const partialBytesMin = 1024 * 1024;
/** As many as one batch of downloads may leave. */
const partialsMax = 64;
const partialAgeMaxMs = 7 * 24 * 60 * 60 * 1000;

const resumableName = /^w-[0-9a-z]+-([0-9a-f]{64})$/;
const partialName = /^p-[0-9a-f]{64}$/;

/** Where a content of `size` bytes is written before it is renamed to its place. `unique` is of digits and lowercase letters. */
export function downloadTempPath(unique: string, content: Digest, size: number): string {
  return tempPath(size < partialBytesMin ? unique : `${unique}-${content}`);
}

function partialPath(content: Digest): string {
  return `${tempFolder}/p-${content}`;
}

export function isPartialPath(path: string): boolean {
  return path.startsWith(`${tempFolder}/`) && partialName.test(path.slice(tempFolder.length + 1));
}

/** What an earlier attempt wrote of this content. */
export function findPartial(fs: FileSystem, root: string, content: Digest, size: number): PartialFile | undefined {
  if (size < partialBytesMin) return undefined;
  const path = partialPath(content);
  try {
    const stat = fs.lstat(`${root}/${path}`);
    return stat?.kind === 'file' ? { path, bytes: stat.size } : undefined;
  } catch (error) {
    errorToProblem(path, error);
    return undefined;
  }
}

/** Keeps what was written at these temp paths, and removes those that are not worth it; those that are not there are passed over. */
export function keepPartials(fs: FileSystem, root: string, temps: readonly string[]): void {
  for (const temp of temps) {
    try {
      keepPartial(fs, root, temp);
    } catch (error) {
      // It stays where it is, for the next start.
      errorToProblem(temp, error);
    }
  }
}

function keepPartial(fs: FileSystem, root: string, temp: string): void {
  const content = resumableName.exec(temp.slice(tempFolder.length + 1))?.[1];
  const stat = fs.lstat(`${root}/${temp}`);
  if (stat === undefined) return;
  if (content === undefined || stat.kind !== 'file' || stat.size < partialBytesMin)
    return fs.removeFile(`${root}/${temp}`);
  const kept = partialPath(parseDigest(content));
  // An attempt that was broken off early has less than the one before it.
  if ((fs.lstat(`${root}/${kept}`)?.size ?? 0) > stat.size) fs.removeFile(`${root}/${temp}`);
  else fs.rename(`${root}/${temp}`, `${root}/${kept}`);
}

/**
 * Takes over what earlier runs were writing. Of partials the newest are kept, up to a week old, and no more of them than the disk has
 * room for beside its reserve.
 */
export function settlePartials(fs: FileSystem, root: string, reserveBytes: number): void {
  const { names } = fs.list(`${root}/${tempFolder}`);
  const written = names.filter((name) => resumableName.test(name)).map((name) => `${tempFolder}/${name}`);
  keepPartials(fs, root, written);
  const partials = listPartials(fs, root);
  if (partials.length === 0) return;
  const now = fileTime(fs, root);
  let room = fs.freeBytes(root) - reserveBytes;
  for (const [i, { path, bytes, changedMs }] of partials.sort((a, b) => b.changedMs - a.changedMs).entries()) {
    room -= bytes;
    if (i >= partialsMax || room < 0 || now - changedMs > partialAgeMaxMs) removePartial(fs, root, { path, bytes });
  }
}

function listPartials(fs: FileSystem, root: string): FoundPartial[] {
  const partials: FoundPartial[] = [];
  for (const name of fs.list(`${root}/${tempFolder}`).names) {
    const path = `${tempFolder}/${name}`;
    const stat = partialName.test(name) ? fs.lstat(`${root}/${path}`) : undefined;
    if (stat?.kind === 'file') partials.push({ path, bytes: stat.size, changedMs: stat.ctimeMs });
  }
  return partials;
}

/** Removes all partials: the disk is short of room, or the folder is not synced any more. */
export function removePartials(fs: FileSystem, root: string): void {
  for (const partial of listPartials(fs, root)) removePartial(fs, root, partial);
}

/** It is of no use any more. One that cannot be removed goes when it is old. */
export function removePartial(fs: FileSystem, root: string, { path }: PartialFile): void {
  try {
    fs.removeFile(`${root}/${path}`);
  } catch (error) {
    errorToProblem(path, error);
  }
}
