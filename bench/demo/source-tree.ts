/** The files that the demo syncs: a real tree (by default packages that are installed anyway) and one large binary. */
import { createCipheriv } from 'node:crypto';
import { closeSync, cpSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** Some thousand files of source and types, by name, so that the tree stays as it is when other packages come. */
const copied = [
  'typescript',
  '@typescript',
  '@azure/core-rest-pipeline',
  '@azure/eventgrid',
  '@azure/functions',
  '@azure/storage-blob',
  '@azure/storage-common',
  '@azure/storage-queue',
];
const MiB = 1024 * 1024;

/** `length` incompressible bytes that are the same in every run: AES-CTR over zeros. */
export function writeNoise(path: string, length: number, seed: number): void {
  const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16));
  const zeros = Buffer.alloc(4 * MiB);
  const file = openSync(path, 'w');
  for (let left = length; left > 0; left -= zeros.length) {
    writeSync(file, cipher.update(left >= zeros.length ? zeros : zeros.subarray(0, left)));
  }
  closeSync(file);
}

/** Fills `folder` with a copy of `source`, or of the installed packages, as `library/`, and with `large.bin` of 256 MiB. */
export function makeSourceTree(folder: string, source: string | undefined): void {
  mkdirSync(join(folder, 'library'), { recursive: true });
  const copy = (from: string, to: string) => cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  if (source === undefined) {
    for (const name of copied) {
      if (existsSync(join(packages, name))) copy(join(packages, name), join(folder, 'library', name));
    }
  } else {
    copy(source, join(folder, 'library'));
  }
  writeNoise(join(folder, 'large.bin'), 256 * MiB, 1);
}

export interface TreeSize {
  files: number;
  bytes: number;
}

/** Files and bytes below a folder, the control folder left out. */
export function measureTree(folder: string): TreeSize {
  const size: TreeSize = { files: 0, bytes: 0 };
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    if (item.name === '.tidemark') continue;
    const path = join(folder, item.name);
    if (item.isDirectory()) {
      const below = measureTree(path);
      size.files += below.files;
      size.bytes += below.bytes;
    } else {
      size.files++;
      size.bytes += lstatSync(path).size;
    }
  }
  return size;
}
