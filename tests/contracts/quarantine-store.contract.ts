/** What every quarantine store owes (shared/ports/quarantine-store.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import { digestOf, quarantinedOf, workspaceA, workspaceB } from './metadata-records.ts';

export function quarantineStoreContract(make: MakeMetadataStore): void {
  test('a record is named by workspace and blob name; recording it again changes nothing', async (t) => {
    const { quarantine } = (await make(t)).store;
    const record = quarantinedOf(workspaceA, 'p', 1);
    assert.equal(await quarantine.get(workspaceA, record.blobName), undefined);
    await quarantine.record(record);
    await quarantine.record({ ...record, reason: 'another', storedBytes: 9, foundMs: 9 });
    assert.deepEqual(await quarantine.get(workspaceA, record.blobName), record);
    assert.deepEqual(await quarantine.list(workspaceA, null, 10), [record]);
    assert.equal(await quarantine.get(workspaceB, record.blobName), undefined);
    assert.deepEqual(await quarantine.list(workspaceB, null, 10), []);
  });

  test('records are listed by blob name, page by page', async (t) => {
    const { quarantine } = (await make(t)).store;
    const records = ['p', 'q', 'r', 's'].flatMap((pack) => [3, 1, 2].map((n) => quarantinedOf(workspaceA, pack, n)));
    for (const record of records) await quarantine.record(record);
    await quarantine.record(quarantinedOf(workspaceB, 'p', 1));
    records.sort((a, b) => (a.blobName < b.blobName ? -1 : 1));
    for (const limit of [1, 5, 100]) {
      const joined = [];
      for (;;) {
        const page = await quarantine.list(workspaceA, joined.at(-1)?.blobName ?? null, limit);
        if (page.length === 0) break;
        assert.ok(page.length <= limit);
        joined.push(...page);
      }
      assert.deepEqual(joined, records);
    }
  });

  test('foundMs tells by place when a pack was last found to be bad, in this workspace', async (t) => {
    const { quarantine } = (await make(t)).store;
    for (const n of [2, 5, 3]) await quarantine.record(quarantinedOf(workspaceA, 'p', n));
    await quarantine.record(quarantinedOf(workspaceB, 'q', 7));
    const packs = ['q', 'p', 'x', 'p'].map(digestOf);
    assert.deepEqual(await quarantine.foundMs(workspaceA, packs), [undefined, 5, undefined, 5]);
    assert.deepEqual(await quarantine.foundMs(workspaceB, packs), [7, undefined, undefined, undefined]);
    assert.deepEqual(await quarantine.foundMs(workspaceA, []), []);
  });

  test('what is removed is gone, once, and may be recorded again', async (t) => {
    const { quarantine } = (await make(t)).store;
    const record = quarantinedOf(workspaceA, 'p', 1);
    assert.equal(await quarantine.remove(workspaceA, record.blobName), 'missing');
    await quarantine.record(record);
    await quarantine.record({ ...record, workspaceId: workspaceB });
    assert.equal(await quarantine.remove(workspaceA, record.blobName), 'removed');
    assert.equal(await quarantine.remove(workspaceA, record.blobName), 'missing');
    assert.equal(await quarantine.get(workspaceA, record.blobName), undefined);
    assert.deepEqual(await quarantine.foundMs(workspaceA, [record.packId]), [undefined]);
    assert.deepEqual(await quarantine.list(workspaceB, null, 10), [{ ...record, workspaceId: workspaceB }]);
    await quarantine.record({ ...record, foundMs: 8 });
    assert.deepEqual(await quarantine.foundMs(workspaceA, [record.packId]), [8]);
  });

  test('a second instance sees what lies in quarantine', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    const record = quarantinedOf(workspaceA, 'p', 1);
    await store.quarantine.record(record);
    assert.deepEqual(await (await reopen()).quarantine.list(workspaceA, null, 10), [record]);
  });
}
