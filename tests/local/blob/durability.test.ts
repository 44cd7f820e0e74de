/** What was acknowledged is there after kill -9, and what was not is there whole or not at all. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { digestsToColumn } from '../../../shared/core/ids.ts';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { createSqliteMetadataStore } from '../../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { digestOf, requestIdOf, workspaceA } from '../../contracts/metadata-records.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

const victim = path.join(import.meta.dirname, 'write-until-killed.ts');

/** Runs the writer until it has acknowledged `lines` rounds more, then kills it. @returns every line that it wrote. */
async function runAndKill(folder: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [victim, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece: string) => {
    text += piece;
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL');
  return text.split('\n').slice(0, -1);
}

test('commits and packs that were acknowledged survive kill -9, again and again', async (t) => {
  const folder = await createTemporaryFolder(t);
  let acknowledged = 0;
  for (const lines of [3, 17, 40]) {
    for (const line of await runAndKill(folder, lines)) {
      // The round that was cut off by the last kill may have left its blob, but never its commit.
      assert.match(line, /^\d+ (created|exists) appended$/);
      acknowledged = Number(line.split(' ')[0]);
    }
    const metadata = createSqliteMetadataStore({ file: path.join(folder, 'metadata.sqlite') });
    const blobFolder = path.join(folder, 'blobs');
    const blobs = createDiskBlobStore({
      folder: blobFolder,
      endpoint: 'http://x',
      key: new Uint8Array(32),
      clock: systemClock,
    });
    const records = await metadata.journal.list(workspaceA, 0, 10_000, 1e9);
    assert.ok(records.length === acknowledged || records.length === acknowledged + 1);
    assert.equal((await metadata.journal.getHead(workspaceA))?.seq, records.length);
    for (const [i, { seq, entry }] of records.entries()) {
      assert.equal(seq, i + 1);
      assert.ok(entry.length === 2_000 && entry.every((byte) => byte === seq % 256));
      assert.ok(await metadata.journal.getRequest(workspaceA, requestIdOf(seq)));
      const places = await metadata.chunks.lookUp(workspaceA, digestsToColumn([digestOf(`chunk ${seq}`)]));
      assert.equal(places[0]?.packId, digestOf(`pack ${seq}`));
    }
    let whole = 0;
    for await (const name of blobs.list('chunks', '')) {
      const n = Number(/(\d+)\.blob$/.exec(name)?.[1]);
      const bytes = await blobs.get('chunks', name);
      assert.ok(bytes?.length === 20_000 && bytes.every((byte) => byte === n % 256), `${name} is whole`);
      whole += 1;
    }
    assert.ok(whole >= acknowledged);
    // Listing swept what the dead process left unfinished.
    assert.deepEqual(await readdir(path.join(blobFolder, '.staging')), []);
    metadata.close();
  }
  assert.ok(acknowledged >= 60);
});
