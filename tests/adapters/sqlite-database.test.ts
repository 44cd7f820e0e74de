import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openDatabase, transact } from '../../shared/adapters/sqlite/database.ts';
import { schemaSteps } from '../../shared/adapters/sqlite/schema.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';
import {
  commitAfter,
  firstHead,
  nodeIdOf,
  packOf,
  requestOf,
  versionOf,
  workspaceA,
  workspaceOf,
} from '../contracts/metadata-records.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

function isCode(code: ErrorCode) {
  return (error: unknown) => isTidemarkError(error, code);
}

test('a file is durable at every commit: WAL, flushed', async (t) => {
  const database = openDatabase(path.join(await createTemporaryFolder(t), 'm.sqlite'));
  t.after(() => database.close());
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  assert.equal(database.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], schemaSteps.length);
});

test('a file of a newer version, or no database at all, is refused and left alone', async (t) => {
  const folder = await createTemporaryFolder(t);
  const newer = path.join(folder, 'newer.sqlite');
  const database = openDatabase(newer);
  database.exec(`PRAGMA user_version = ${schemaSteps.length + 1}`);
  database.close();
  assert.throws(() => createSqliteMetadataStore({ file: newer }), isCode('unsupported'));
  const text = path.join(folder, 'text');
  await writeFile(text, 'this is not a database, it only looks long enough to be one. '.repeat(100));
  assert.throws(() => createSqliteMetadataStore({ file: text }), isCode('corrupt'));
  assert.throws(() => createSqliteMetadataStore({ file: path.join(folder, 'no', 'folder') }), isCode('unavailable'));
});

test('a transaction that throws leaves nothing, and the next one works', async (t) => {
  const database = openDatabase(':memory:');
  t.after(() => database.close());
  const insert = database.prepare('INSERT INTO devices (device, user, name, created_ms) VALUES (?, ?, ?, ?)');
  const count = database.prepare('SELECT count(*) AS n FROM devices');
  assert.throws(
    () =>
      transact(database, 'IMMEDIATE', () => {
        insert.run(new Uint8Array([1]), 'ann', 'laptop', 1);
        throw new Error('no');
      }),
    /no/,
  );
  assert.equal(count.get()?.['n'], 0);
  transact(database, 'IMMEDIATE', () => insert.run(new Uint8Array([1]), 'ann', 'laptop', 1));
  assert.equal(count.get()?.['n'], 1);
});

test('what belongs together is one transaction: when its last statement fails, nothing of it happened', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'm.sqlite');
  const store = createSqliteMetadataStore({ file });
  t.after(() => store.close());
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const other = new DatabaseSync(file);
  for (const last of ['requests', 'members', 'projections', 'chunks']) {
    other.exec(`CREATE TRIGGER no_${last} BEFORE INSERT ON ${last} BEGIN SELECT RAISE(ABORT, 'no'); END`);
  }
  other.close();
  await assert.rejects(store.journal.append(workspaceA, commitAfter(firstHead, 1)), isCode('internal'));
  assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
  assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), []);
  await assert.rejects(
    store.workspaces.replace(workspaceOf(workspaceA, { name: 'x', version: 2 })),
    isCode('internal'),
  );
  assert.deepEqual(await store.workspaces.get(workspaceA), workspaceOf(workspaceA));
  await assert.rejects(store.versions.project(workspaceA, 0, 1, [versionOf(nodeIdOf(1), 1)]), isCode('internal'));
  assert.deepEqual(await store.versions.list(workspaceA, nodeIdOf(1), 9, 9), []);
  await assert.rejects(store.chunks.record(workspaceA, packOf('p', ['a']), 1), isCode('internal'));
  assert.deepEqual(await store.chunks.listPacks(workspaceA, null, 9), []);
});

test('a row that does not hold what the schema says is corrupt, not a wrong answer', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'm.sqlite');
  const store = createSqliteMetadataStore({ file });
  t.after(() => store.close());
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  await store.journal.recordRequest(workspaceA, requestOf(1));
  const other = new DatabaseSync(file);
  other.exec(`UPDATE heads SET root = x'00'; UPDATE workspaces SET mode = 'open';`);
  other.close();
  await assert.rejects(store.journal.getHead(workspaceA), isCode('malformed'));
  await assert.rejects(store.workspaces.get(workspaceA), isCode('malformed'));
});

const opener = `
  import { createSqliteMetadataStore } from ${JSON.stringify(import.meta.resolve('../../shared/adapters/sqlite/sqlite-metadata-store.ts'))};
  import { requestOf, workspaceA } from ${JSON.stringify(import.meta.resolve('../contracts/metadata-records.ts'))};
  const [file, first] = process.argv.slice(-2);
  const store = createSqliteMetadataStore({ file });
  for (let n = 0; n < 50; n++) await store.journal.recordRequest(workspaceA, requestOf(Number(first) + n));
`;

test('processes may make and write one file at once', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'm.sqlite');
  const children = [0, 1_000, 2_000].map((first) =>
    spawn(process.execPath, ['--input-type=module-typescript', '-e', opener, file, String(first)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0]);
  const store = createSqliteMetadataStore({ file });
  t.after(() => store.close());
  assert.equal(await store.journal.sweepRequests(Number.MAX_SAFE_INTEGER), 150);
});
