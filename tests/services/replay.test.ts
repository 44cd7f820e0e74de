/**
 * Random commits of three devices that know different amounts of what the others did. Whatever they send:
 *
 *   - the journal, replayed from nothing with the edits that it holds, comes out at every root on the way
 *   - entries and places agree: every node has one place, every place its node, all under folders, without cycles
 *   - every content that was ever acknowledged is in the tree, or was taken out by a commit whose author had seen it (under the
 *     policy `latest`, or stays in the journal)
 *   - the tally kept with the head is that of a recount, and the times of the entries never go back
 *
 * Under each policy, and in a consistency-first workspace, where a commit is taken whole or not at all.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../shared/core/bytes.ts';
import {
  type Digest,
  type NodeId,
  type SessionId,
  type WorkspaceId,
  bytesToNodeId,
  rootNodeId,
} from '../../shared/core/ids.ts';
import { mapApply } from '../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot, mapGetMany, mapScan } from '../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { deriveMapEdits } from '../../shared/core/tree/derive-edits.ts';
import { type Entry, decodeEntry } from '../../shared/core/tree/entry.ts';
import { type Place, entryKeyToPlace, isEntryKey, placeValueToPlace } from '../../shared/core/tree/keys.ts';
import { type JournalEntry, firstChain, nextChain } from '../../shared/core/wire/journal-entry.ts';
import type { Operation } from '../../shared/core/wire/operation.ts';
import { countTree } from '../../shared/services/tree-tally.ts';
import { workspaceNodes } from '../../shared/services/workspace-nodes.ts';
import { must } from '../api/world/calls.ts';
import {
  type NewWorkspace,
  TestDevice,
  createWorkspaceAs,
  deleteOperation,
  mkdirOperation,
  moveOperation,
  nodeOf,
  putOperation,
} from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';

/** What a device believes: the last entries that it has looked at, by node. */
type View = Map<NodeId, { readonly place: Place; readonly entry: Entry }>;

const texts = ['', 'one', 'two', 'three', 'four'];
const names = ['a', 'b', 'c', 'd.txt'];

/** A step, as numbers that are read against what the device believes when it comes to it. */
const step = fc.record({
  device: fc.nat(2),
  kind: fc.constantFrom('put', 'put', 'mkdir', 'move', 'move', 'delete', 'look'),
  node: fc.nat(9),
  parent: fc.nat(9),
  name: fc.nat(names.length - 1),
  text: fc.nat(texts.length - 1),
  /** Whether the operation goes into the same commit as the one before. */
  joined: fc.boolean(),
  /** Of a put: whether its author has given up merging. */
  fallback: fc.boolean(),
  /** What the server's clock does before it. */
  clockMs: fc.integer({ min: -10_000, max: 10_000 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function toOperation(view: View, { kind, node, parent, name, text, fallback }: Step): Operation | undefined {
  const nodeId = nodeOf(`n${node}`);
  const folder = parent === 0 ? rootNodeId : nodeOf(`n${parent}`);
  const known = view.get(nodeId);
  const base = known?.entry.version ?? [];
  const to = { parentId: folder, name: names[name]! };
  switch (kind) {
    case 'put': {
      const put = putOperation({ node: nodeId, name: to.name, in: folder, text: texts[text]!, base, fallback });
      const baseContent = known?.entry.kind === 'file' ? known.entry.content : null;
      return put.kind === 'put' ? { ...put, baseContent } : put;
    }
    case 'mkdir':
      return mkdirOperation(nodeId, to.name, folder, base);
    case 'move':
      return known === undefined ? undefined : moveOperation(nodeId, known.place, to, base);
    case 'delete':
      return known === undefined ? undefined : deleteOperation(nodeId, base);
    case 'look':
      return undefined;
  }
}

interface Tree {
  readonly entries: Map<NodeId, { readonly place: Place; readonly entry: Entry }>;
  readonly places: Map<NodeId, Place>;
}

async function readTree(source: MemoryNodeSource, root: Digest): Promise<Tree> {
  const tree: Tree = { entries: new Map(), places: new Map() };
  for await (const [key, value] of mapScan(source, root)) {
    if (isEntryKey(key)) {
      const entry = decodeEntry(value);
      assert.ok(!tree.entries.has(entry.nodeId), 'no node stands twice');
      tree.entries.set(entry.nodeId, { place: entryKeyToPlace(key), entry });
    } else tree.places.set(bytesToNodeId(key.subarray(1)), placeValueToPlace(value));
  }
  return tree;
}

function checkTree({ entries, places }: Tree): void {
  assert.deepEqual(new Set(places.keys()), new Set(entries.keys()), 'every node has a place and every place a node');
  for (const [nodeId, { place }] of entries) {
    assert.deepEqual(places.get(nodeId), place);
    const above = new Set<NodeId>([nodeId]);
    for (let at = place.parentId; at !== rootNodeId; at = entries.get(at)!.place.parentId) {
      assert.ok(!above.has(at), 'no folder is inside itself');
      above.add(at);
      assert.equal(entries.get(at)?.entry.kind, 'folder', 'what is above is a folder that stands');
    }
  }
}

/** Replays the journal and checks each step; the tree after every entry. */
async function replay(device: TestDevice, entries: readonly JournalEntry[]): Promise<Tree[]> {
  const source = new MemoryNodeSource();
  let root = emptyMapRoot;
  let chain = firstChain(device.workspaceId);
  const trees: Tree[] = [];
  for (const [i, entry] of entries.entries()) {
    assert.deepEqual([entry.seq, entry.previousRoot], [i + 1, root]);
    const before = await mapGetMany(
      source,
      root,
      entry.edits.map(({ key }) => key),
    );
    const applied = await mapApply(source, root, deriveMapEdits(entry.edits, before));
    source.add(applied.nodes);
    root = applied.root;
    assert.equal(root, entry.root, 'the edits lead to the root that the entry says');
    chain = nextChain(chain, entry);
    assert.equal(chain, entry.chain);
    const tree = await readTree(source, root);
    checkTree(tree);
    trees.push(tree);
  }
  return trees;
}

function contentsOf(nodes: Tree['entries'] | View): Set<Digest> {
  const held = new Set<Digest>();
  for (const { entry } of nodes.values()) if (entry.kind === 'file') held.add(entry.content);
  return held;
}

/** What the run remembers of each commit that got a seq of its own, by that seq less one. */
interface Committed {
  /** The content of its only put, if it was acknowledged. */
  readonly put: Digest | undefined;
  /** The contents that its author knew. */
  readonly seen: ReadonlySet<Digest>;
}

class Run {
  readonly #devices: readonly TestDevice[];
  readonly #sessions: readonly SessionId[];
  readonly #views: View[];
  readonly #pending: Operation[][];
  readonly committed: Committed[] = [];
  /** Commits that were refused as a whole. */
  refused = 0;

  constructor(devices: readonly TestDevice[], sessions: readonly SessionId[]) {
    this.#devices = devices;
    this.#sessions = sessions;
    this.#views = devices.map(() => new Map());
    this.#pending = devices.map(() => []);
  }

  async take(next: Step): Promise<void> {
    const at = next.device;
    if (next.kind === 'look' || !next.joined) await this.#send(at);
    if (next.kind === 'look') this.#views[at] = await look(this.#devices[at]!);
    const operation = toOperation(this.#views[at]!, next);
    if (operation !== undefined) this.#pending[at]!.push(operation);
  }

  async end(): Promise<void> {
    for (const at of this.#devices.keys()) await this.#send(at);
  }

  async #send(at: number): Promise<void> {
    const operations = this.#pending[at]!.splice(0);
    if (operations.length === 0) return;
    const device = this.#devices[at]!;
    const reply = await device.send(device.request(operations, { sessions: this.#sessions }));
    if (!reply.ok && reply.problem.code === 'stale-base') {
      this.refused++;
      return;
    }
    const { head, outcomes } = await must(Promise.resolve(reply));
    assert.equal(outcomes.length, operations.length);
    if ((head?.seq ?? 0) === this.committed.length) return;
    const [operation] = operations;
    const isPut = operations.length === 1 && operation?.kind === 'put' && outcomes[0]!.status !== 'refused';
    this.committed.push({ put: isPut ? operation.content : undefined, seen: contentsOf(this.#views[at]!) });
  }
}

async function run(steps: readonly Step[], rules: Rules): Promise<void> {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann', rules);
  const devices = await Promise.all(
    ['one', 'two', 'three'].map((name) => TestDevice.register(world, 'ann', workspaceId, name)),
  );
  const { session } = await devices[0]!.upload(...texts.slice(1).map(utf8));
  const all = new Run(devices, [session.sessionId]);
  for (const next of steps) {
    world.clock.ms += next.clockMs;
    await all.take(next);
    await checkTally(world, workspaceId);
  }
  await all.end();
  await checkTally(world, workspaceId);
  const { committed } = all;
  assert.ok(all.refused === 0 || rules.mode === 'shared');
  const { entries } = await must(devices[0]!.changes());
  const trees = await replay(devices[0]!, entries);
  assert.equal(trees.length, committed.length);
  for (const [i, { timeMs }] of entries.entries()) assert.ok(i === 0 || timeMs >= entries[i - 1]!.timeMs);
  for (const [i, { put, seen }] of committed.entries()) {
    const now = contentsOf(trees[i]!.entries);
    assert.ok(put === undefined || now.has(put), 'what was acknowledged is in the tree that it was put into');
    for (const content of i === 0 ? [] : contentsOf(trees[i - 1]!.entries)) {
      const isKept = now.has(content) || seen.has(content) || rules.policy === 'latest';
      assert.ok(isKept, 'content went by an author who had not seen it');
    }
  }
}

type Rules = Required<Pick<NewWorkspace, 'policy' | 'mode'>>;

/** The head's tally against the whole tree counted anew. */
async function checkTally({ deps }: TestWorld, workspaceId: WorkspaceId): Promise<void> {
  const head = await deps.metadata.journal.getHead(workspaceId);
  assert.deepEqual(head?.tally, await countTree(workspaceNodes(deps, workspaceId), head!.root));
}

/** The tree as the server has it now, folder by folder. */
async function look(device: TestDevice): Promise<View> {
  const view: View = new Map();
  const walk = async (folderId: NodeId, path: string): Promise<void> => {
    for (const [name, entry] of await device.list(path)) {
      view.set(entry.nodeId, { place: { parentId: folderId, name }, entry });
      if (entry.kind === 'folder') await walk(entry.nodeId, `${path}/${name}`);
    }
  };
  await walk(rootNodeId, '');
  return view;
}

describe('random commits on stale bases leave a journal that replays, a whole tree, a true tally, and no content lost', () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 60 });
  const table: readonly (readonly [name: string, rules: Rules, numRuns: number])[] = [
    ['with copies', { policy: 'copy', mode: 'personal' }, 200],
    ['where the latest wins', { policy: 'latest', mode: 'personal' }, 75],
    ['where authors merge', { policy: 'merge', mode: 'personal' }, 75],
    ['consistency first', { policy: 'copy', mode: 'shared' }, 75],
  ];
  for (const [name, rules, numRuns] of table) {
    it(name, () =>
      fc.assert(
        fc.asyncProperty(steps, (taken) => run(taken, rules)),
        { numRuns },
      ),
    );
  }
});
