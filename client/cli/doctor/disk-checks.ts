/** The file system that a folder is on, tried out in its control folder. Everything tried is taken away again. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from '../../agent/folder/control-folder.ts';
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import { bytesToText } from '../context.ts';
import { type Finding, fail, ok, warn } from './check.ts';

/** What downloads leave free; and what is little. */
const reserveBytes = 64 * 1024 * 1024;
const littleBytes = 1024 * 1024 * 1024;
/** A flush of the disk beyond this makes syncing of many small changes slow. */
const flushWarnMs = 200;
const eventMaxMs = 3_000;

export function judgeFreeBytes(free: number): Finding {
  const detail = `${bytesToText(free)} are free`;
  if (free >= littleBytes) return ok(detail);
  if (free > reserveBytes) return warn(detail, 'make room: what does not fit is not fetched');
  return fail(`${detail}: nothing more is fetched`, 'make room; what is missing comes with the next sync');
}

export function checkFreeBytes(folder: string): Finding {
  return judgeFreeBytes(createNodeFileSystem().freeBytes(folder));
}

/** A name for a try, which the agent's sweeping takes away should this process be killed. */
function probePath(folder: string, name: string): string {
  return join(folder, tempFolder, `w-doctor-${process.pid}-${name}`);
}

function isRefused(act: () => void): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

/** What it cannot hold or tells wrongly. */
function missingTraits(folder: string): string[] {
  const [file, other, link] = [probePath(folder, 'a'), probePath(folder, 'b'), probePath(folder, 'c')];
  const unicode = probePath(folder, 'a\u0308');
  try {
    writeFileSync(file, 'a');
    writeFileSync(other, 'b');
    const foldsCase = existsSync(probePath(folder, 'A'));
    const noReplace = isRefused(() => renameSync(other, file));
    chmodSync(file, 0o755);
    const noBits = process.platform !== 'win32' && (lstatSync(file).mode & 0o111) === 0;
    const noLinks = isRefused(() => symlinkSync('nowhere', link));
    writeFileSync(unicode, 'u');
    const foldsUnicode = existsSync(probePath(folder, '\u00e4'));
    return [
      ...(foldsCase ? ['takes names that differ in case for one'] : []),
      ...(foldsUnicode ? ['takes names that differ in Unicode form for one'] : []),
      ...(noReplace ? ['does not rename over a file that is there'] : []),
      ...(noBits ? ['keeps no executable bits'] : []),
      ...(noLinks ? ['holds no symbolic links'] : []),
    ];
  } finally {
    for (const path of [file, other, link, unicode]) rmSync(path, { force: true });
  }
}

export function checkTraits(folder: string): Finding {
  const missing = missingTraits(folder);
  if (missing.length === 0) return ok('names, renames, executable bits and links are as they should be');
  const advice = 'nothing is lost: what this disk cannot hold stays on the server, and `tide status` lists it';
  return warn(`this file system ${missing.join(', ')}`, advice);
}

/** `now` in milliseconds. */
export function checkFlush(folder: string, now: () => number): Finding {
  const path = probePath(folder, 'flush');
  const file = openSync(path, 'w');
  try {
    const began = now();
    writeSync(file, new Uint8Array(4_096));
    fsyncSync(file);
    const ms = now() - began;
    const detail = `a flush of the disk takes ${ms.toFixed(1)} ms`;
    if (ms < flushWarnMs) return ok(detail);
    return warn(detail, 'a network disk or a busy one; syncing many small changes is slow there');
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}

/** A file is made, and this must be heard of. */
export async function checkEvents(folder: string): Promise<Finding> {
  const path = probePath(folder, 'event');
  const heard = Promise.withResolvers<boolean>();
  const watcher = watch(join(folder, tempFolder), () => heard.resolve(true));
  watcher.on('error', () => heard.resolve(false));
  const timer = setTimeout(() => heard.resolve(false), eventMaxMs);
  try {
    writeFileSync(path, '');
    if (await heard.promise) return ok('changes on this disk are told at once');
    return warn('this disk tells of no changes', 'a network disk: changes are found by looking, some time later');
  } finally {
    clearTimeout(timer);
    watcher.close();
    rmSync(path, { force: true });
  }
}
