/** The table of convergence, pair by pair: what one device did, what another did without having seen it, what becomes of both. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { rootNodeId } from '../../shared/core/ids.ts';
import type { VersionVector } from '../../shared/core/version-vector.ts';
import type { Outcome } from '../../shared/core/wire/commit.ts';
import type { Entry } from '../../shared/core/tree/entry.ts';
import { mustFail } from '../api/world/calls.ts';
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
  it('a delete that meets an edit loses', async () => {
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
      [problem.status, problem['index'], problem['nodeId'], problem['headSeq'], problem['content']],
      [409, 1, nodeOf('f'), 2, blake3Digest(utf8('one'))],
    );
    assert.deepEqual(
      problem['version'],
      version.map(([device, counter]) => `${device}:${counter}`),
    );
    assert.deepEqual([...(await ann.list()).keys()], ['f.txt'], 'nothing of it was committed');
    assert.equal((await only(bob, edit('two', version, { baseText: 'one' }))).status, 'applied');
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
