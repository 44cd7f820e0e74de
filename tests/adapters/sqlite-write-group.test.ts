/** Writes that share a transaction: each all or nothing, none acknowledged before all are durable. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { createWriteGroup } from '../../shared/adapters/sqlite/write-group.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';

function openCounted(): { readonly database: DatabaseSync; readonly statements: string[] } {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT');
  const statements: string[] = [];
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    statements.push(sql);
    exec(sql);
  };
  return { database, statements };
}

function numbersIn(database: DatabaseSync): unknown[] {
  return database
    .prepare('SELECT n FROM numbers ORDER BY n')
    .all()
    .map((row) => row['n']);
}

describe('a group of writes', () => {
  test('asked for in one turn is one transaction', async () => {
    const { database, statements } = openCounted();
    const write = createWriteGroup(database);
    const insert = database.prepare('INSERT INTO numbers VALUES (?)');
    await Promise.all(Array.from({ length: 50 }, (_, n) => write(() => insert.run(n))));
    assert.equal(numbersIn(database).length, 50);
    assert.equal(statements.filter((sql) => sql === 'COMMIT').length, 1);
  });

  test('settles in the order of asking, and only after the COMMIT', async () => {
    const { database, statements } = openCounted();
    const write = createWriteGroup(database);
    const settled: number[] = [];
    const all = [1, 2, 3].map(async (n) => {
      await write(() => n);
      assert.ok(statements.includes('COMMIT'));
      settled.push(n);
    });
    await Promise.all(all);
    assert.deepEqual(settled, [1, 2, 3]);
  });

  test('whichever of them fail: those reject and leave nothing, the others stand', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), async (fails) => {
        const { database } = openCounted();
        const write = createWriteGroup(database);
        const insert = database.prepare('INSERT INTO numbers VALUES (?)');
        const results = await Promise.allSettled(
          fails.map((fail, n) =>
            write(() => {
              insert.run(n);
              if (fail) throw new Error('on purpose');
              return n;
            }),
          ),
        );
        assert.deepEqual(
          results.map(({ status }) => status === 'rejected'),
          fails,
        );
        assert.deepEqual(
          numbersIn(database),
          fails.flatMap((fail, n) => (fail ? [] : [n])),
        );
      }),
    );
  });

  test('a COMMIT that fails undoes and rejects all', async () => {
    const { database } = openCounted();
    const exec = database.exec.bind(database);
    const state = { fails: true };
    database.exec = (sql) => {
      if (sql === 'COMMIT' && state.fails) throw Object.assign(new Error('disk full'), { errcode: 13 });
      exec(sql);
    };
    const write = createWriteGroup(database);
    const insert = database.prepare('INSERT INTO numbers VALUES (?)');
    const results = await Promise.allSettled([1, 2, 3].map((n) => write(() => insert.run(n))));
    assert.ok(results.every((result) => result.status === 'rejected' && isTidemarkError(result.reason, 'busy')));
    assert.deepEqual(numbersIn(database), []);
    state.fails = false;
    await write(() => insert.run(4));
    assert.deepEqual(numbersIn(database), [4]);
  });

  test('a transaction that SQLite rolled back under a write takes with it what the group did so far', async () => {
    const { database } = openCounted();
    const write = createWriteGroup(database);
    const insert = database.prepare('INSERT INTO numbers VALUES (?)');
    const results = await Promise.allSettled([
      write(() => insert.run(1)),
      write(() => {
        database.exec('ROLLBACK');
        throw Object.assign(new Error('disk full'), { errcode: 13 });
      }),
      write(() => insert.run(3)),
    ]);
    for (const result of results.slice(0, 2)) {
      assert.ok(result.status === 'rejected' && isTidemarkError(result.reason, 'busy'));
    }
    assert.equal(results[2]?.status, 'fulfilled');
    assert.deepEqual(numbersIn(database), [3]);
  });

  test('whose last write finds the disk full is busy, whoever rolled it back', async () => {
    const { database } = openCounted();
    const write = createWriteGroup(database);
    const full = write(() => {
      database.exec('ROLLBACK');
      throw Object.assign(new Error('disk full'), { errcode: 13 });
    });
    await assert.rejects(full, { code: 'busy' });
    await write(() => database.prepare('INSERT INTO numbers VALUES (1)').run());
    assert.deepEqual(numbersIn(database), [1]);
  });

  test('waits once for the transaction of another process, not once for each of its writes', async () => {
    const { database } = openCounted();
    const exec = database.exec.bind(database);
    const state = { isHeld: true, waits: 0 };
    database.exec = (sql) => {
      if (sql.startsWith('BEGIN') && state.isHeld) {
        state.waits += 1;
        throw Object.assign(new Error('database is locked'), { errcode: 5 });
      }
      exec(sql);
    };
    const write = createWriteGroup(database);
    const insert = database.prepare('INSERT INTO numbers VALUES (?)');
    const results = await Promise.allSettled([1, 2, 3].map((n) => write(() => insert.run(n))));
    assert.ok(results.every((result) => result.status === 'rejected' && isTidemarkError(result.reason, 'busy')));
    assert.equal(state.waits, 1);
    state.isHeld = false;
    await write(() => insert.run(4));
    assert.deepEqual(numbersIn(database), [4]);
  });
});
