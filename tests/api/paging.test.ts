/** What does not fit into one answer comes in pages without a gap. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../shared/core/limits.ts';
import { changesResponse } from '../../shared/core/wire/changes.ts';
import { treeListing } from '../../shared/core/wire/tree-listing.ts';
import { call, must } from './world/calls.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, nodeOf } from './world/test-device.ts';
import { createTestWorld } from './world/test-world.ts';

async function start(): Promise<TestDevice> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  return TestDevice.register(world, 'ann', workspaceId, 'laptop');
}

describe('a listing', () => {
  it('of more than a page goes on after the last name, whatever is beside the folder', async () => {
    const ann = await start();
    const count = limits.treePageEntriesMax + 250;
    const inside = Array.from({ length: count }, (_, i) => mkdirOperation(`n${i}`, `n${i}`, nodeOf('d')));
    await ann.commit(
      mkdirOperation('d', 'd'),
      mkdirOperation('e', 'e'),
      mkdirOperation('z', 'z', nodeOf('e')),
      ...inside,
    );
    const names: string[] = [];
    let pages = 0;
    for (let after: string | null | undefined; after !== null; pages++) {
      const query = new URLSearchParams({ path: '/d/', ...(after === undefined ? {} : { after }) });
      const path = `/workspaces/${ann.workspaceId}/tree?${query.toString()}`;
      const page = await must(call(ann.world.api, { token: 'ann', path, response: treeListing }));
      assert.equal(page.folderId, nodeOf('d'));
      names.push(...page.items.map(({ name }) => name));
      after = page.next;
    }
    assert.equal(pages, 2);
    assert.deepEqual(names, inside.map((operation) => (operation.kind === 'mkdir' ? operation.name : '')).sort());
  });
});

describe('the journal', () => {
  it('never seems to keep back the commit that comes while it is read', async () => {
    let commitMeanwhile: (() => Promise<unknown>) | undefined;
    const world = createTestWorld({
      adapt: (deps) => {
        const { journal } = deps.metadata;
        const list: typeof journal.list = async (...given) => {
          const records = await journal.list(...given);
          await commitMeanwhile?.();
          return records;
        };
        const racing = new Proxy(journal, {
          get: (target, key) => (key === 'list' ? list : Reflect.get(target, key, target).bind(target)),
        });
        return { ...deps, metadata: { ...deps.metadata, journal: racing } };
      },
    });
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    commitMeanwhile = () => {
      commitMeanwhile = undefined;
      return ann.commit(mkdirOperation('d', 'd'));
    };
    const { entries, headSeq } = await must(ann.changes(0));
    assert.equal(headSeq, entries.length, 'an agent takes a head without its entries for a dishonest server');
  });

  it('comes in pages by number and by bytes, each entry once, and is empty at the head', async () => {
    const ann = await start();
    const large = (i: number) =>
      ann.commit(
        ...Array.from({ length: 7_500 }, (_, j) => mkdirOperation(`l${i}.${j}`, `${i} ${j} ${'x'.repeat(235)}`)),
      );
    await large(0);
    await large(1);
    for (let i = 0; i < 20; i++) await ann.commit(mkdirOperation(`s${i}`, `s${i}`));
    const seqs: number[] = [];
    const pages: number[] = [];
    for (let more = true; more;) {
      const path = `/workspaces/${ann.workspaceId}/changes?after=${seqs.at(-1) ?? 0}`;
      const page = await must(call(ann.world.api, { token: 'ann', path, response: changesResponse }));
      seqs.push(...page.entries.map(({ seq }) => seq));
      pages.push(page.entries.length);
      more = page.more;
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: 22 }, (_, i) => i + 1),
    );
    assert.ok(pages.length >= 2, 'two entries of over two MiB do not share a page');
    const end = await must(ann.changes(22));
    assert.deepEqual([end.entries, end.more, end.headSeq], [[], false, 22]);
    const past = await must(ann.changes(1_000));
    assert.deepEqual([past.entries, past.more], [[], false]);
  });
});
