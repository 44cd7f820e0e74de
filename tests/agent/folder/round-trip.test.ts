/** From one disk to another: scan, upload, apply; then neither has anything to report. On node:fs, inline and in worker threads. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import { createWorkerPool } from '../../../client/agent/workers/worker-pool.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { Device } from './device.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-folder-'));
const pool = createWorkerPool();
after(async () => {
  await pool.close();
  rmSync(scratch, { recursive: true });
});

function plant(root: string): void {
  mkdirSync(join(root, 'a/b/empty'), { recursive: true });
  writeFileSync(join(root, 'a/hello.txt'), 'hello');
  writeFileSync(join(root, 'a/nothing'), '');
  writeFileSync(join(root, 'a/b/run.sh'), '#!/bin/sh\n');
  chmodSync(join(root, 'a/b/run.sh'), 0o755);
  writeFileSync(join(root, 'big.bin'), randomBytesOf('big', 3_000_000));
  writeFileSync(join(root, 'copy of big.bin'), randomBytesOf('big', 3_000_000));
  symlinkSync('../nowhere', join(root, 'a/link'));
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `a/b/file ${i}`), `content of ${i}\n`.repeat(i));
}

for (const kind of ['inline', 'workers'] as const) {
  test(`a tree goes to another device whole (${kind})`, async () => {
    const fs = createNodeFileSystem();
    const executor = kind === 'workers' ? { executor: pool } : {};
    const here = new Device(fs, mkdtempSync(join(scratch, 'here-')), executor);
    await here.open();
    plant(here.root);
    const report = await here.scan();
    assert.deepEqual({ complete: report.complete, problems: report.problems }, { complete: true, problems: [] });
    assert.equal(report.findings.length, 309);
    const { changed } = await here.upload();
    assert.equal(changed.size, 0);

    const there = new Device(fs, mkdtempSync(join(scratch, 'there-')), { ...executor, server: here.server });
    await there.open();
    const results = await there.apply(here.actionsToCopy());
    assert.deepEqual(
      results.find((result) => !result.done),
      undefined,
    );
    assert.deepEqual(readFileSync(join(there.root, 'big.bin')), Buffer.from(randomBytesOf('big', 3_000_000)));
    assert.equal(readFileSync(join(there.root, 'a/b/file 250'), 'utf8'), 'content of 250\n'.repeat(250));
    assert.equal(lstatSync(join(there.root, 'a/b/run.sh')).mode & 0o777, 0o755);
    assert.equal(readlinkSync(join(there.root, 'a/link')), '../nowhere');
    there.adopt(results, here.known);
    assert.deepEqual((await there.scan()).findings, []);
    assert.deepEqual((await here.scan()).missing, []);
  });
}
