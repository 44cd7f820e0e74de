/** What every FileSystem owes: POSIX's rules, by their error codes. Run over node:fs and over the simulated one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8, utf8ToText } from '../../shared/core/bytes.ts';
import type { FileSystem } from '../../client/agent/file-system.ts';

function fails(code: string, call: () => unknown): void {
  assert.throws(call, (error) => {
    assert.equal((error as { code?: unknown }).code, code);
    return true;
  });
}

function write(fs: FileSystem, path: string, text: string, mode = 0): void {
  const handle = fs.openNew(path, mode);
  fs.write(handle, utf8(text), 0);
  fs.close(handle);
}

function read(fs: FileSystem, path: string): string {
  const handle = fs.openRead(path);
  const bytes = new Uint8Array(1_000);
  const length = fs.read(handle, bytes, 0);
  fs.close(handle);
  return utf8ToText(bytes.subarray(0, length));
}

/** @param make an empty file system, and the path of an empty folder in it. */
export function fileSystemContract(name: string, make: () => { readonly fs: FileSystem; readonly root: string }): void {
  const each = (what: string, run: (fs: FileSystem, root: string) => void): void => {
    test(`${name}: ${what}`, () => {
      const { fs, root } = make();
      run(fs, root);
    });
  };

  each('what was written is read, piece by piece, to the end', (fs, root) => {
    const handle = fs.openNew(`${root}/a`, 0);
    fs.write(handle, utf8('world'), 6);
    fs.write(handle, utf8('hello '), 0);
    fs.flush(handle);
    fs.close(handle);
    const reading = fs.openRead(`${root}/a`);
    const piece = new Uint8Array(4);
    assert.equal(fs.read(reading, piece, 6), 4);
    assert.equal(utf8ToText(piece), 'worl');
    assert.equal(fs.read(reading, piece, 10), 1);
    assert.equal(fs.read(reading, piece, 11), 0);
    assert.equal(fs.stat(reading).size, 11);
    fs.close(reading);
  });

  each('lstat tells the kind, the size, the executable bits, and undefined for nothing', (fs, root) => {
    write(fs, `${root}/a`, 'xy', 0o111);
    fs.makeFolder(`${root}/d`);
    fs.makeLink('a', `${root}/l`);
    assert.equal(fs.lstat(`${root}/none`), undefined);
    assert.equal(fs.lstat(`${root}/a/none`), undefined);
    const { kind, size, mode } = fs.lstat(`${root}/a`)!;
    assert.deepEqual({ kind, size, mode }, { kind: 'file', size: 2, mode: 0o111 });
    assert.equal(fs.lstat(`${root}/d`)!.kind, 'folder');
    assert.equal(fs.lstat(`${root}/l`)!.kind, 'symlink');
    assert.equal(fs.readLink(`${root}/l`), 'a');
    fs.setMode(`${root}/a`, 0);
    assert.equal(fs.lstat(`${root}/a`)!.mode, 0);
  });

  each('times are set to the millisecond, before 1970 and after 2038', (fs, root) => {
    for (const mtimeMs of [0, -86_400_001, 1_700_000_000_123, 4_102_444_800_000]) {
      const handle = fs.openNew(`${root}/t${mtimeMs}`, 0);
      fs.setTimes(handle, mtimeMs);
      fs.close(handle);
      assert.ok(Math.abs(fs.lstat(`${root}/t${mtimeMs}`)!.mtimeMs - mtimeMs) < 1);
    }
  });

  each('a new file takes no name that is taken, and no link is followed', (fs, root) => {
    write(fs, `${root}/a`, 'a');
    fs.makeLink('nowhere', `${root}/l`);
    fails('EEXIST', () => fs.openNew(`${root}/a`, 0));
    fails('EEXIST', () => fs.openNew(`${root}/l`, 0));
    fails('EEXIST', () => fs.makeFolder(`${root}/l`));
    fails('EEXIST', () => fs.makeLink('x', `${root}/a`));
    fails('ELOOP', () => fs.openRead(`${root}/l`));
    fails('ENOENT', () => fs.openNew(`${root}/none/a`, 0));
    assert.equal(fs.lstat(`${root}/nowhere`), undefined);
  });

  each('rename replaces a file or a link whole, and never a folder with something in it', (fs, root) => {
    write(fs, `${root}/a`, 'a');
    write(fs, `${root}/b`, 'b');
    fs.makeFolder(`${root}/d`);
    write(fs, `${root}/d/x`, 'x');
    fs.makeFolder(`${root}/e`);
    const { ino } = fs.lstat(`${root}/a`)!;
    fs.rename(`${root}/a`, `${root}/b`);
    assert.equal(read(fs, `${root}/b`), 'a');
    assert.equal(fs.lstat(`${root}/b`)!.ino, ino);
    assert.equal(fs.lstat(`${root}/a`), undefined);
    fails('EISDIR', () => fs.rename(`${root}/b`, `${root}/e`));
    fails('ENOTDIR', () => fs.rename(`${root}/e`, `${root}/b`));
    fails('ENOTEMPTY', () => fs.rename(`${root}/e`, `${root}/d`));
    fails('EINVAL', () => fs.rename(`${root}/d`, `${root}/d/in`));
    fails('ENOENT', () => fs.rename(`${root}/a`, `${root}/c`));
    fs.rename(`${root}/d`, `${root}/e`);
    assert.equal(read(fs, `${root}/e/x`), 'x');
  });

  each('only empty folders are removed, and only by removeFolder', (fs, root) => {
    fs.makeFolder(`${root}/d`);
    write(fs, `${root}/d/x`, 'x');
    fails('ENOTEMPTY', () => fs.removeFolder(`${root}/d`));
    fails('ENOTDIR', () => fs.removeFolder(`${root}/d/x`));
    fails('EISDIR', () => fs.removeFile(`${root}/d`));
    fs.removeFile(`${root}/d/x`);
    fs.removeFolder(`${root}/d`);
    fails('ENOENT', () => fs.removeFile(`${root}/d`));
    assert.deepEqual(fs.list(root), { names: [], unreadable: 0 });
  });

  each('a listing has every name as given', (fs, root) => {
    const names = ['a', 'A b', '.hidden', 'é', 'e\u0301', '\u202etxt', 'x'.repeat(255)];
    for (const name of names) write(fs, `${root}/${name}`, '');
    assert.deepEqual([...fs.list(root).names].sort(), names.sort());
    fails('ENAMETOOLONG', () => fs.openNew(`${root}/${'x'.repeat(256)}`, 0));
    fails('ENOTDIR', () => fs.list(`${root}/a`));
    fails('ENOENT', () => fs.list(`${root}/none`));
  });

  each('every change of a file shows in its stat', (fs, root) => {
    write(fs, `${root}/a`, 'a');
    const before = fs.lstat(`${root}/a`)!;
    fs.setMode(`${root}/a`, 0o100);
    const after = fs.lstat(`${root}/a`)!;
    assert.notDeepEqual(after, before);
    assert.equal(after.ino, before.ino);
    assert.ok(after.ctimeMs >= before.ctimeMs);
  });

  each('flushing a file, a folder and everything succeeds; a file can be cut short', (fs, root) => {
    const handle = fs.openNew(`${root}/a`, 0);
    fs.write(handle, utf8('hello'), 0);
    fs.truncate(handle, 2);
    fs.flush(handle);
    fs.close(handle);
    fs.flushFolder(root);
    fs.flushAll(root);
    assert.equal(read(fs, `${root}/a`), 'he');
    assert.ok(fs.freeBytes(root) > 0);
  });

  each('a pinned folder is that folder, whatever is put in its place', (fs, root) => {
    if (fs.pinFolder === undefined) return;
    fs.makeFolder(`${root}/d`);
    fs.makeFolder(`${root}/outside`);
    const pinned = fs.pinFolder(`${root}/d`);
    fs.rename(`${root}/d`, `${root}/moved`);
    fs.makeLink('outside', `${root}/d`);
    write(fs, `${pinned.path}/x`, 'x');
    fs.flushFolder(pinned.path);
    pinned.close();
    assert.equal(read(fs, `${root}/moved/x`), 'x');
    assert.deepEqual(fs.list(`${root}/outside`).names, []);
    fails('ENOTDIR', () => fs.pinFolder!(`${root}/d`));
  });
}
