import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { limits } from '../../shared/core/limits.ts';
import { objectKinds } from '../../shared/ports/metadata-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import { digestOf, workspaceA, workspaceB } from './metadata-records.ts';

export function objectStoreContract(make: MakeMetadataStore): void {
  test('objects come back by place, or undefined', async (t) => {
    const { store } = await make(t);
    const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
    await store.objects.putObjects(
      workspaceA,
      'node',
      new Map([
        [a, utf8('A')],
        [b, new Uint8Array(0)],
      ]),
    );
    assert.deepEqual(await store.objects.getObjects(workspaceA, 'node', [c, b, a, a]), [
      undefined,
      new Uint8Array(0),
      utf8('A'),
      utf8('A'),
    ]);
    assert.deepEqual(await store.objects.getObjects(workspaceA, 'node', []), []);
  });

  test('kinds and workspaces never mix', async (t) => {
    const { store } = await make(t);
    const hash = digestOf('a');
    for (const kind of objectKinds) {
      await store.objects.putObjects(workspaceA, kind, new Map([[hash, utf8(kind)]]));
    }
    for (const kind of objectKinds) {
      assert.deepEqual(await store.objects.getObjects(workspaceA, kind, [hash]), [utf8(kind)]);
      assert.deepEqual(await store.objects.getObjects(workspaceB, kind, [hash]), [undefined]);
    }
  });

  test('storing again changes nothing, and bytes are not shared with the store', async (t) => {
    const { store } = await make(t);
    const hash = digestOf('a');
    const bytes = utf8('bytes');
    await store.objects.putObjects(workspaceA, 'manifest', new Map([[hash, bytes]]));
    bytes.fill(0);
    await store.objects.putObjects(workspaceA, 'manifest', new Map([[hash, utf8('bytes')]]));
    (await store.objects.getObjects(workspaceA, 'manifest', [hash]))[0]?.fill(1);
    assert.deepEqual(await store.objects.getObjects(workspaceA, 'manifest', [hash]), [utf8('bytes')]);
    await store.objects.putObjects(workspaceA, 'manifest', new Map());
  });

  test('many objects, and a segment of the largest size, go in at once', async (t) => {
    const { store } = await make(t);
    const nodes = new Map(Array.from({ length: 10_000 }, (_, i) => [digestOf(`node ${i}`), utf8(`node ${i}`)]));
    await store.objects.putObjects(workspaceA, 'node', nodes);
    assert.deepEqual(await store.objects.getObjects(workspaceA, 'node', [...nodes.keys()]), [...nodes.values()]);
    const segment = new Uint8Array(limits.segmentBytesMax).fill(3);
    await store.objects.putObjects(workspaceA, 'segment', new Map([[digestOf('s'), segment]]));
    assert.deepEqual(await store.objects.getObjects(workspaceA, 'segment', [digestOf('s')]), [segment]);
  });

  test('a second instance sees stored objects', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    await store.objects.putObjects(workspaceA, 'node', new Map([[digestOf('a'), utf8('A')]]));
    assert.deepEqual(await (await reopen()).objects.getObjects(workspaceA, 'node', [digestOf('a')]), [utf8('A')]);
  });
}
