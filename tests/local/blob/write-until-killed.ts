/**
 * The victim of durability.test.ts: writes commits to SQLite and packs to disk, and says so on stdout after each one is
 * acknowledged, until it is killed.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { createSqliteMetadataStore } from '../../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { commitAfter, firstHead, packOf, workspaceA, workspaceOf } from '../../contracts/metadata-records.ts';

const folder = process.argv[2] ?? '';
const metadata = createSqliteMetadataStore({ file: path.join(folder, 'metadata.sqlite') });
const key = new Uint8Array(32);
const blobs = createDiskBlobStore({
  folder: path.join(folder, 'blobs'),
  endpoint: 'http://x',
  key,
  clock: systemClock,
});

await metadata.workspaces.create(workspaceOf(workspaceA), firstHead);
let head = (await metadata.journal.getHead(workspaceA)) ?? firstHead;
for (let n = head.seq + 1; ; n++) {
  const body = new Uint8Array(20_000).fill(n);
  const put = await blobs.put('chunks', `w/${n % 7}/${n}.blob`, body);
  await metadata.chunks.record(workspaceA, packOf(`pack ${n}`, [`chunk ${n}`, `chunk ${n} too`]), n);
  const commit = commitAfter(head, n, 2_000);
  const result = await metadata.journal.append(workspaceA, commit);
  if (result === 'appended') head = commit.next;
  // Synchronous: once written, the line has left this process, whatever happens to it next.
  writeSync(1, `${n} ${put} ${result}\n`);
}
