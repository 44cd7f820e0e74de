/** The table of convergence, pair by pair: what one device did, what another did without having seen it, what becomes of both. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { rootNodeId } from '../../shared/core/ids.ts';
import type { VersionVector } from '../../shared/core/version-vector.ts';
import type { Outcome } from '../../shared/core/wire/commit.ts';
import { limits } from '../../shared/core/limits.ts';
import { type Entry, decodeEntry } from '../../shared/core/tree/entry.ts';
import { type StaleOperation, textToStaleOperation } from '../../shared/core/wire/stale-base.ts';
import { type ProblemBody, must, mustFail } from '../api/world/calls.ts';
import {
  type NewWorkspace,
  type PutOptions,
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  inRoot,
  mkdirOperation,
  moveOperation,
  nodeOf,
  putOperation,
  symlinkOperation,
} from '../api/world/test-device.ts';
import { createTestWorld } from '../api/world/test-world.ts';

interface Pair {
  readonly ann: TestDevice;
  readonly bob: TestDevice;
  /** The version of the file `f` ("f.txt", content "base") that both have seen. */
  readonly base: VersionVector;
}

async function pair(options: NewWorkspace = {}): Promise<Pair> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann', options);
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const bob = await TestDevice.register(world, 'ann', workspaceId, 'phone');
  const { outcomes } = await ann.commitPut({ node: 'f', name: 'f.txt', text: 'base' });
  return { ann, bob, base: outcomes[0]!.version };
}

function edit(text: string, base: VersionVector, more: Partial<PutOptions> = {}): PutOptions {
  return { node: 'f', name: 'f.txt', text, base, baseText: 'base', ...more };
}

async function only(device: TestDevice, put: PutOptions): Promise<Outcome> {
  return (await device.commitPut(put)).outcomes[0]!;
}

function contentOf(entry: Entry | undefined): string {
  return entry?.kind === 'file' ? entry.content : `(${entry?.kind ?? 'nothing'})`;
}

function holds(entry: Entry | undefined, text: string): void {
  assert.equal(contentOf(entry), blake3Digest(utf8(text)));
}

function staleOf(problem: ProblemBody): StaleOperation[] {
  return (problem['stale'] as readonly string[]).map(textToStaleOperation);
}

async function look(device: TestDevice): Promise<unknown> {
  return [(await must(device.changes())).headSeq, await device.list(), await device.list('d')];
}

const copyName = 'f (conflicted copy of phone 2026-11-22).txt';

describe('edit, edit', () => {
  it('of one author after another: the second applies and counts its device up', async () => {
    const { ann, bob, base } = await pair();
    const first = await only(ann, edit('one', base));
    const second = await only(bob, edit('two', first.version, { baseText: 'one' }));
    assert.equal(second.status, 'applied');
    assert.deepEqual(new Map(second.version), new Map([...first.version, [bob.deviceId, 1]]));
    holds((await ann.list()).get('f.txt'), 'two');
  });

  it('at once, same content: agreed, and no copy', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('same', base));
    const outcome = await only(bob, edit('same', base));
    assert.equal(outcome.status, 'agreed');
    assert.deepEqual([...(await ann.list()).keys()], ['f.txt']);
  });

  it('at once, other content: the later one becomes a copy beside it, under a name that says whose', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('one', base));
    const outcome = await only(bob, edit('two', base));
    assert.deepEqual([outcome.status, outcome.name], ['copied', copyName]);
    assert.notEqual(outcome.nodeId, nodeOf('f'));
    const listing = await ann.list();
    holds(listing.get('f.txt'), 'one');
    holds(listing.get(copyName), 'two');
  });

  it('three at once: the copies are numbered', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('one', base));
    await only(bob, edit('two', base));
    const outcome = await only(bob, edit('three', base));
    assert.equal(outcome.name, 'f (conflicted copy of phone 2026-11-22 2).txt');
    assert.equal((await ann.list()).size, 3);
  });

  it('the same conflict sent again under another key adds no second copy', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('one', base));
    const first = await only(bob, edit('two', base));
    const again = await only(bob, edit('two', base));
    assert.deepEqual([again.status, again.nodeId, again.name], ['copied', first.nodeId, first.name]);
    assert.equal((await ann.list()).size, 2);
  });

  it('at once under the policy latest: the later commit is the head', async () => {
    const { ann, bob, base } = await pair({ policy: 'latest' });
    await only(ann, edit('one', base));
    const outcome = await only(bob, edit('two', base));
    assert.equal(outcome.status, 'applied');
    assert.equal(outcome.version.length, 2);
    const listing = await ann.list();
    holds(listing.get('f.txt'), 'two');
    assert.equal(listing.size, 1);
    const { entries } = await must(ann.changes());
    const told = entries.flatMap(({ edits }) => edits.map(({ value }) => contentOf(decodeEntry(value!))));
    assert.deepEqual(
      told,
      ['base', 'one', 'two'].map((text) => blake3Digest(utf8(text))),
      'the other is in history',
    );
  });

  it('three at once under the policy latest: the last commit is the head, whoever had seen what', async () => {
    const { ann, bob, base } = await pair({ policy: 'latest' });
    const first = await only(ann, edit('one', base));
    await only(bob, edit('two', base));
    const third = await only(ann, edit('three', first.version, { baseText: 'one' }));
    assert.equal(third.status, 'applied');
    assert.deepEqual(
      new Map(third.version),
      new Map([
        [ann.deviceId, 3],
        [bob.deviceId, 1],
      ]),
    );
    holds((await bob.list()).get('f.txt'), 'three');
    assert.equal((await bob.list()).size, 1);
  });

  it('under the policy latest at the place where the node is now, for links too; names are no contents', async () => {
    const { ann, bob, base } = await pair({ policy: 'latest' });
    const made = await ann.commit(symlinkOperation('l', 'l', 'old'));
    const moved = await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    await only(ann, edit('one', moved.outcomes[0]!.version));
    assert.equal((await only(bob, edit('two', base))).name, 'g.txt');
    await ann.commit(symlinkOperation('l', 'l', 'one', made.outcomes[0]!.version));
    const link = await bob.commit(symlinkOperation('l', 'l', 'two', made.outcomes[0]!.version));
    assert.equal(link.outcomes[0]?.status, 'applied');
    const other = await only(bob, { node: 'other', name: 'g.txt', text: 'other' });
    assert.deepEqual([other.status, other.name], ['renamed', 'g (conflicted copy of phone 2026-11-22).txt']);
    const listing = await ann.list();
    holds(listing.get('g.txt'), 'two');
    const target = listing.get('l');
    assert.equal(target?.kind === 'symlink' ? target.target : '', 'two');
  });

  it('under the policy latest a delete still loses to what it had not seen', async () => {
    const { ann, bob, base } = await pair({ policy: 'latest' });
    await only(ann, edit('one', base));
    assert.equal((await bob.commit(deleteOperation('f', base))).outcomes[0]?.status, 'kept');
  });

  it('at once under the policy merge: refused for this operation alone, with what it is to be merged with', async () => {
    const { ann, bob, base } = await pair({ policy: 'merge' });
    const { version } = await only(ann, edit('one', base));
    const { session } = await bob.upload(utf8('two'));
    const operations = [mkdirOperation('d', 'd'), putOperation(edit('two', base)), mkdirOperation('e', 'e')];
    const { outcomes } = await must(bob.send(bob.request(operations, { sessions: [session.sessionId] })));
    assert.deepEqual(
      outcomes.map(({ status, reason }) => [status, reason]),
      [
        ['applied', null],
        ['refused', 'needs-merge'],
        ['applied', null],
      ],
    );
    assert.deepEqual([outcomes[1]?.nodeId, outcomes[1]?.name, outcomes[1]?.version], [nodeOf('f'), 'f.txt', version]);
    holds((await ann.list()).get('f.txt'), 'one');
    const merged = await only(bob, edit('one and two', version, { baseText: 'one' }));
    assert.equal(merged.status, 'applied');
    holds((await ann.list()).get('f.txt'), 'one and two');
  });

  it('under the policy merge: who has given up gets a copy; what is no conflict needs no merge; links are copied', async () => {
    const { ann, bob, base } = await pair({ policy: 'merge' });
    const made = await ann.commit(symlinkOperation('l', 'l', 'old'));
    await only(ann, edit('one', base));
    assert.equal((await only(bob, edit('one', base))).status, 'agreed');
    const outcome = await only(bob, edit('two', base, { fallback: true }));
    assert.deepEqual([outcome.status, outcome.name], ['copied', copyName]);
    await ann.commit(symlinkOperation('l', 'l', 'one', made.outcomes[0]!.version));
    const link = await bob.commit(symlinkOperation('l', 'l', 'two', made.outcomes[0]!.version));
    assert.equal(link.outcomes[0]?.status, 'copied');
  });

  it('the flag of who gave up merging means nothing under another policy', async () => {
    const { ann, bob, base } = await pair({ policy: 'latest' });
    await only(ann, edit('one', base));
    assert.equal((await only(bob, edit('two', base, { fallback: true }))).status, 'applied');
    holds((await ann.list()).get('f.txt'), 'two');
  });

  it('in a consistency-first workspace that merges is a stale base, given up or not', async () => {
    const { ann, bob, base } = await pair({ policy: 'merge', mode: 'shared' });
    await only(ann, edit('one', base));
    const { session } = await bob.upload(utf8('two'));
    for (const [fallback, wouldBe] of [
      [false, 'refused'],
      [true, 'copied'],
    ] as const) {
      const request = bob.request([putOperation(edit('two', base, { fallback }))], { sessions: [session.sessionId] });
      const [stale] = staleOf(await mustFail(bob.send(request), 'stale-base'));
      assert.deepEqual([stale?.wouldBe, stale?.reason], [wouldBe, fallback ? null : 'needs-merge']);
    }
  });

  it('executable bits of both sides are united when only one of them has new content', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('base', base, { mode: 0o111 }));
    const outcome = await only(bob, edit('two', base));
    assert.equal(outcome.status, 'applied');
    const entry = (await ann.list()).get('f.txt');
    holds(entry, 'two');
    assert.equal(entry?.mode, 0o111);
  });

  it('a base that claims counters of the future changes no counter by more than one', async () => {
    const { bob, base } = await pair();
    const [device] = base[0]!;
    const forged: VersionVector = [[device, Number.MAX_SAFE_INTEGER]];
    const outcome = await only(bob, edit('two', forged));
    assert.equal(outcome.status, 'applied');
    assert.deepEqual(
      new Map(outcome.version),
      new Map([
        [device, 1],
        [bob.deviceId, 1],
      ]),
    );
  });
});

describe('edit, move', () => {
  it('an edit that meets a move: the new content at the new place', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    const outcome = await only(bob, edit('two', base));
    assert.deepEqual([outcome.status, outcome.name], ['applied', 'g.txt']);
    const listing = await ann.list();
    assert.deepEqual([...listing.keys()], ['g.txt']);
    holds(listing.get('g.txt'), 'two');
  });

  it('a move that meets an edit: the same', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('one', base));
    const { outcomes } = await bob.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    assert.equal(outcomes[0]?.status, 'applied');
    const listing = await ann.list();
    assert.deepEqual([...listing.keys()], ['g.txt']);
    holds(listing.get('g.txt'), 'one');
  });

  it('an edit that meets a move and an edit: a copy at the new place', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(mkdirOperation('d', 'd'));
    const moved = await ann.commit(moveOperation('f', inRoot('f.txt'), { parentId: nodeOf('d'), name: 'g.txt' }, base));
    await only(ann, edit('one', moved.outcomes[0]!.version));
    const outcome = await only(bob, edit('two', base));
    assert.deepEqual([outcome.status, outcome.parentId], ['copied', nodeOf('d')]);
    assert.equal(outcome.name, 'g (conflicted copy of phone 2026-11-22).txt');
  });
});

describe('edit or move, delete', () => {
  it('L6: a delete that meets an edit loses', async () => {
    const { ann, bob, base } = await pair();
    await only(ann, edit('one', base));
    const { outcomes } = await bob.commit(deleteOperation('f', base));
    assert.equal(outcomes[0]?.status, 'kept');
    holds((await ann.list()).get('f.txt'), 'one');
  });

  it('an edit that meets a delete brings the node back, under the same id', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(deleteOperation('f', base));
    const outcome = await only(bob, edit('two', base));
    assert.deepEqual([outcome.status, outcome.nodeId], ['applied', nodeOf('f')]);
    assert.deepEqual(new Map(outcome.version), new Map([...base, [bob.deviceId, 1]]));
    holds((await ann.list()).get('f.txt'), 'two');
  });

  it('a delete that meets a move loses', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    const { outcomes } = await bob.commit(deleteOperation('f', base));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.name], ['kept', 'g.txt']);
    assert.deepEqual([...(await ann.list()).keys()], ['g.txt']);
  });

  it('a move that meets a delete is told that the node is gone; a put brings it back at the new place', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(deleteOperation('f', base));
    const { outcomes } = await bob.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.reason], ['refused', 'gone']);
    await only(bob, { node: 'f', name: 'g.txt', text: 'base', base });
    holds((await ann.list()).get('g.txt'), 'base');
  });

  it('an edit in a folder that was deleted is told so, and returns with its folder', async () => {
    const { ann, bob } = await pair();
    const { outcomes } = await ann.commit(mkdirOperation('d', 'd'));
    await ann.commit(deleteOperation('d', outcomes[0]!.version));
    const refused = await only(bob, { node: 'n', name: 'n.txt', text: 'new', in: nodeOf('d') });
    assert.deepEqual([refused.status, refused.reason], ['refused', 'missing-parent']);
    const back = await bob.commit(
      mkdirOperation('d', 'd', rootNodeId, outcomes[0]!.version),
      putOperation({ node: 'n', name: 'n.txt', text: 'new', in: nodeOf('d') }),
    );
    assert.deepEqual(
      back.outcomes.map(({ status }) => status),
      ['applied', 'applied'],
    );
    holds((await ann.list('d')).get('n.txt'), 'new');
  });
});

describe('move, move', () => {
  it('to the same place: agreed', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    const { outcomes } = await bob.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    assert.equal(outcomes[0]?.status, 'agreed');
  });

  it('to different places: the first commit keeps its place, the second is told', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    const { outcomes } = await bob.commit(moveOperation('f', inRoot('f.txt'), inRoot('h.txt'), base));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.name], ['kept', 'g.txt']);
    assert.deepEqual([...(await ann.list()).keys()], ['g.txt']);
  });

  it('A into B while B into A: the second is refused as a cycle', async () => {
    const { ann, bob } = await pair();
    const made = await ann.commit(mkdirOperation('a', 'a'), mkdirOperation('b', 'b'));
    const [a, b] = made.outcomes.map(({ version }) => version);
    await ann.commit(moveOperation('a', inRoot('a'), { parentId: nodeOf('b'), name: 'a' }, a!));
    const { outcomes } = await bob.commit(
      moveOperation('b', inRoot('b'), { parentId: nodeOf('a'), name: 'b' }, b!),
      moveOperation('b', inRoot('b'), { parentId: nodeOf('b'), name: 'b' }, b!),
    );
    assert.deepEqual(
      outcomes.map(({ reason }) => reason),
      ['cycle', 'cycle'],
    );
    assert.deepEqual([...(await ann.list('b')).keys()], ['a']);
  });

  it('a swap of two names through a third is one commit', async () => {
    const { ann, base } = await pair();
    const { outcomes } = await ann.commitPut({ node: 'g', name: 'g.txt', text: 'other' });
    const swapped = await ann.commit(
      moveOperation('f', inRoot('f.txt'), inRoot('tmp'), base),
      moveOperation('g', inRoot('g.txt'), inRoot('f.txt'), outcomes[0]!.version),
      moveOperation('f', inRoot('tmp'), inRoot('g.txt'), base),
    );
    assert.deepEqual(
      swapped.outcomes.map(({ status }) => status),
      ['applied', 'applied', 'applied'],
    );
    const listing = await ann.list();
    holds(listing.get('g.txt'), 'base');
    holds(listing.get('f.txt'), 'other');
    assert.equal(listing.size, 2);
  });
});

describe('delete, delete', () => {
  it('is agreed', async () => {
    const { ann, bob, base } = await pair();
    await ann.commit(deleteOperation('f', base));
    const { outcomes } = await bob.commit(deleteOperation('f', base));
    assert.equal(outcomes[0]?.status, 'agreed');
  });
});

describe('folder delete, anything new inside', () => {
  it('the folder and what is new stay, the rest of it goes', async () => {
    const { ann, bob } = await pair();
    const made = await ann.commit(mkdirOperation('d', 'd'));
    const old = await only(ann, { node: 'old', name: 'old', text: 'old', in: nodeOf('d') });
    await only(ann, { node: 'new', name: 'new', text: 'new', in: nodeOf('d') });
    const { outcomes } = await bob.commit(
      deleteOperation('old', old.version),
      deleteOperation('d', made.outcomes[0]!.version),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['applied', 'kept'],
    );
    assert.deepEqual([...(await ann.list('d')).keys()], ['new']);
  });

  it('with nothing new, contents first and then the folder, all goes', async () => {
    const { ann, bob, base } = await pair();
    const made = await ann.commit(mkdirOperation('d', 'd'), mkdirOperation('e', 'e', nodeOf('d')));
    const [d, e] = made.outcomes.map(({ version }) => version);
    const { outcomes } = await bob.commit(
      deleteOperation('e', e!),
      deleteOperation('d', d!),
      deleteOperation('f', base),
    );
    assert.ok(outcomes.every(({ status }) => status === 'applied'));
    assert.equal((await ann.list()).size, 0);
  });
});

describe('two nodes for one name', () => {
  it('the first keeps it, the second gets the conflict name', async () => {
    const { ann, bob } = await pair();
    const outcome = await only(bob, { node: 'other', name: 'f.txt', text: 'other' });
    assert.deepEqual([outcome.status, outcome.name, outcome.nodeId], ['renamed', copyName, nodeOf('other')]);
    holds((await ann.list()).get('f.txt'), 'base');
  });

  it('with the same content they are one', async () => {
    const { bob, base } = await pair();
    const outcome = await only(bob, { node: 'other', name: 'f.txt', text: 'base' });
    assert.deepEqual([outcome.status, outcome.nodeId, outcome.version], ['agreed', nodeOf('f'), base]);
  });

  it('two folders are one, and what comes into the second goes into the first', async () => {
    const { ann, bob } = await pair();
    await ann.commit(mkdirOperation('d1', 'd'));
    const { session } = await bob.upload(utf8('x'));
    const request = bob.request(
      [mkdirOperation('d2', 'd'), putOperation({ node: 'x', name: 'x', text: 'x', in: nodeOf('d2') })],
      { sessions: [session.sessionId] },
    );
    const reply = await bob.send(request);
    assert.ok(reply.ok);
    assert.deepEqual(
      reply.value.outcomes.map(({ status, nodeId, parentId }) => [status, nodeId, parentId]),
      [
        ['agreed', nodeOf('d1'), rootNodeId],
        ['applied', nodeOf('x'), nodeOf('d1')],
      ],
    );
  });

  it('a folder where a file stands gets the conflict name, and so does a move to a taken name', async () => {
    const { ann, bob } = await pair();
    const { outcomes } = await bob.commit(mkdirOperation('d', 'f.txt'), mkdirOperation('e', 'e'));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.name], ['renamed', copyName]);
    const moved = await ann.commit(moveOperation('e', inRoot('e'), inRoot('f.txt'), outcomes[1]!.version));
    assert.deepEqual(
      [moved.outcomes[0]?.status, moved.outcomes[0]?.name],
      ['renamed', 'f (conflicted copy of laptop 2026-11-22).txt'],
    );
  });
});

describe('symlinks', () => {
  it('converge by target as files do by content', async () => {
    const { ann, bob } = await pair();
    const made = await ann.commit(symlinkOperation('l', 'l', 'target'));
    const { version } = made.outcomes[0]!;
    assert.equal((await bob.commit(symlinkOperation('m', 'l', 'target'))).outcomes[0]?.status, 'agreed');
    assert.equal((await ann.commit(symlinkOperation('l', 'l', 'one', version))).outcomes[0]?.status, 'applied');
    const { outcomes } = await bob.commit(symlinkOperation('l', 'l', 'two', version));
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.name], ['copied', 'l (conflicted copy of phone 2026-11-22)']);
  });
});

describe('what cannot be done', () => {
  it('is refused with its reason, and the rest of the commit goes through', async () => {
    const { ann, base } = await pair();
    const { outcomes, head } = await ann.commit(
      mkdirOperation('a', '..'),
      mkdirOperation('b', 'x/y'),
      mkdirOperation('c', '.TideMark'),
      mkdirOperation('d', 'd', nodeOf('nowhere')),
      mkdirOperation('e', 'e', nodeOf('f')),
      mkdirOperation('f', 'g'),
      symlinkOperation('f', 'g', 'target', base),
      mkdirOperation('fine', 'fine'),
    );
    assert.deepEqual(
      outcomes.map(({ reason }) => reason),
      ['bad-name', 'bad-name', 'bad-name', 'missing-parent', 'not-a-folder', 'kind-changed', 'kind-changed', null],
    );
    assert.equal(head?.seq, 2);
  });

  it('folders deeper than the limit are refused, and everything above stays', async () => {
    const { ann } = await pair();
    let parent = rootNodeId;
    const operations = Array.from({ length: 1_030 }, (_, i) => {
      const operation = mkdirOperation(`n${i}`, 'n', parent);
      parent = nodeOf(`n${i}`);
      return operation;
    });
    const { outcomes } = await ann.commit(...operations);
    const refused = outcomes.filter(({ status }) => status !== 'applied');
    assert.deepEqual([outcomes.indexOf(refused[0]!), refused[0]?.reason, refused.length], [1_024, 'too-deep', 6]);
  });
});

describe('a consistency-first workspace', () => {
  it('refuses a whole commit with a stale base, and tells what stands', async () => {
    const { ann, bob, base } = await pair({ mode: 'shared' });
    const { version } = await only(ann, edit('one', base));
    const { session } = await bob.upload(utf8('two'));
    const operations = [mkdirOperation('d', 'd'), putOperation(edit('two', base))];
    const problem = await mustFail(bob.send(bob.request(operations, { sessions: [session.sessionId] })), 'stale-base');
    assert.deepEqual(
      [problem.status, problem['index'], problem['nodeId'], problem['headSeq'], problem['count']],
      [409, 1, nodeOf('f'), 2, 1],
    );
    const [stale] = staleOf(problem);
    assert.deepEqual(
      [stale?.index, stale?.wouldBe, stale?.reason, stale?.node?.place, stale?.occupant],
      [1, 'copied', null, inRoot('f.txt'), null],
    );
    const entry = decodeEntry(stale!.node!.entry);
    holds(entry, 'one');
    assert.deepEqual(entry.version, version);
    assert.deepEqual([...(await ann.list()).keys()], ['f.txt'], 'nothing of it was committed');
    assert.equal((await only(bob, edit('two', version, { baseText: 'one' }))).status, 'applied');
  });

  it('tells of every operation that met what its author had not seen, so that a rebase needs no other request', async () => {
    const { ann, bob, base } = await pair({ mode: 'shared' });
    const made = await ann.commit(
      mkdirOperation('d', 'd'),
      mkdirOperation('e', 'e'),
      symlinkOperation('l', 'l', 'old'),
    );
    const [d, e, l] = made.outcomes.map(({ version }) => version);
    await only(ann, edit('one', base));
    await ann.commit(
      moveOperation('f', inRoot('f.txt'), { parentId: nodeOf('d'), name: 'g.txt' }, base),
      moveOperation('e', inRoot('e'), inRoot('e2'), e!),
      deleteOperation('l', l!),
      mkdirOperation('x', 'x', nodeOf('d')),
    );
    const head = await look(ann);
    const { session } = await bob.upload(utf8('two'));
    const operations = [
      mkdirOperation('new', 'new'),
      putOperation(edit('two', base)),
      moveOperation('e', inRoot('e'), inRoot('e3'), e!),
      moveOperation('l', inRoot('l'), inRoot('l2'), l!),
      deleteOperation('d', d!),
      putOperation({ node: 'other', name: 'e2', text: 'two' }),
    ];
    const refused = await mustFail(bob.send(bob.request(operations, { sessions: [session.sessionId] })), 'stale-base');
    const stale = staleOf(refused);
    assert.deepEqual(
      stale.map(({ index, wouldBe, reason }) => [index, wouldBe, reason]),
      [
        [1, 'copied', null],
        [2, 'kept', null],
        [3, 'refused', 'gone'],
        [4, 'kept', null],
        [5, 'renamed', null],
      ],
    );
    assert.deepEqual(
      stale.map(({ node }) => node?.place ?? null),
      [{ parentId: nodeOf('d'), name: 'g.txt' }, inRoot('e2'), null, inRoot('d'), null],
    );
    assert.equal(decodeEntry(stale[4]!.occupant!.entry).nodeId, nodeOf('e'));
    assert.deepEqual(await look(ann), head, 'nothing of it was committed');
    const rebased = [
      mkdirOperation('new', 'new'),
      putOperation(edit('two', decodeEntry(stale[0]!.node!.entry).version, { baseText: 'one' })),
      moveOperation('e', inRoot('e2'), inRoot('e3'), decodeEntry(stale[1]!.node!.entry).version),
    ];
    const { outcomes } = await must(bob.send(bob.request(rebased, { sessions: [session.sessionId] })));
    assert.ok(outcomes.every(({ status }) => status === 'applied'));
  });

  it('tells of so many in one refusal, counts the rest, and stays below what clients read', async () => {
    const { ann, bob } = await pair({ mode: 'shared' });
    const many = limits.staleOperationsMax + 5;
    const operations = Array.from({ length: many }, (_, i) => mkdirOperation(`n${i}`, `${i}`));
    await ann.commit(...operations);
    const puts = operations.map((_, i) => putOperation({ node: `m${i}`, name: `${i}`, text: '' }));
    const refused = await mustFail(bob.send(bob.request(puts)), 'stale-base');
    assert.deepEqual([refused['count'], staleOf(refused).length], [many, limits.staleOperationsMax]);
    assert.ok(JSON.stringify(refused).length < 1024 * 1024);
    const long = Array.from({ length: 300 }, (_, i) => symlinkOperation(`s${i}`, `s${i}`, 'x'.repeat(4_000)));
    const { outcomes } = await ann.commit(...long);
    await ann.commit(
      ...long.map((_, i) => symlinkOperation(`s${i}`, `s${i}`, 'y'.repeat(4_000), outcomes[i]!.version)),
    );
    const deletes = outcomes.map(({ version }, i) => deleteOperation(`s${i}`, version));
    const large = await mustFail(bob.send(bob.request(deletes)), 'stale-base');
    const told = staleOf(large).map(({ index }) => index);
    assert.deepEqual([large['count'], told], [300, Array.from(told.keys())]);
    assert.ok(told.length > 50 && JSON.stringify(large).length < 1024 * 1024);
  });

  it('refuses a move and a delete on a stale base too, and takes what agrees', async () => {
    const { ann, bob, base } = await pair({ mode: 'shared' });
    await ann.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    const move = moveOperation('f', inRoot('f.txt'), inRoot('h.txt'), base);
    await mustFail(bob.send(bob.request([move])), 'stale-base');
    await mustFail(bob.send(bob.request([deleteOperation('f', base)])), 'stale-base');
    const same = await bob.commit(moveOperation('f', inRoot('f.txt'), inRoot('g.txt'), base));
    assert.equal(same.outcomes[0]?.status, 'agreed');
  });
});
