/** Histories of one workspace by an author who knows the head: what happens to nodes, as numbers that are read against the tree. */
import * as fc from 'fast-check';
import { utf8 } from '../../shared/core/bytes.ts';
import { type Digest, type NodeId, type SessionId, rootNodeId } from '../../shared/core/ids.ts';
import { mapScan } from '../../shared/core/merkle/map-read.ts';
import type { Entry } from '../../shared/core/tree/entry.ts';
import { decodeEntry } from '../../shared/core/tree/entry.ts';
import { type Place, entriesPrefix, entryKeyToPlace } from '../../shared/core/tree/keys.ts';
import type { Operation } from '../../shared/core/wire/operation.ts';
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

export interface Standing {
  readonly place: Place;
  readonly entry: Entry;
}
export type Nodes = ReadonlyMap<NodeId, Standing>;

const texts = ['', 'one', 'two', 'three', 'four'];
const names = ['a', 'b', 'c', 'd.txt'];
const nodesMax = 12;

type Kind = 'put' | 'mkdir' | 'link' | 'move' | 'swap' | 'delete';

function stepOf(nodes: number, ...kinds: readonly Kind[]) {
  const act = fc.record({
    kind: fc.constantFrom(...kinds),
    node: fc.nat(nodes - 1),
    other: fc.nat(nodes - 1),
    name: fc.nat(names.length - 1),
    text: fc.nat(texts.length - 1),
    executable: fc.boolean(),
  });
  return fc.array(act, { minLength: 1, maxLength: 4 });
}

/** One commit: what happens to some nodes, one after another. */
export const step = stepOf(
  nodesMax,
  ...(['put', 'put', 'put', 'mkdir', 'mkdir', 'link', 'move', 'move', 'move', 'swap', 'delete'] as const),
);
/** The same of few nodes, mostly moves. */
export const moving = stepOf(7, 'put', 'mkdir', 'move', 'move', 'move', 'move', 'move', 'move', 'swap', 'delete');
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export class HistoryWorld {
  readonly world: TestWorld;
  readonly device: TestDevice;
  readonly #sessions: readonly SessionId[];

  constructor(world: TestWorld, device: TestDevice, sessions: readonly SessionId[]) {
    this.world = world;
    this.device = device;
    this.#sessions = sessions;
  }

  static async open(options: NewWorkspace = {}): Promise<HistoryWorld> {
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann', options);
    const device = await TestDevice.register(world, 'ann', workspaceId, 'one');
    const { session } = await device.upload(...texts.slice(1).map(utf8));
    return new HistoryWorld(world, device, [session.sessionId]);
  }

  async head() {
    const head = await this.world.deps.metadata.journal.getHead(this.device.workspaceId);
    if (head === undefined) throw new Error('no head');
    return head;
  }

  /** All nodes of a tree. */
  async nodes(root: Digest): Promise<Nodes> {
    const source = workspaceNodes(this.world.deps, this.device.workspaceId);
    const nodes = new Map<NodeId, Standing>();
    for await (const [key, value] of mapScan(source, root, { prefix: entriesPrefix })) {
      const entry = decodeEntry(value);
      nodes.set(entry.nodeId, { place: entryKeyToPlace(key), entry });
    }
    return nodes;
  }

  /** Commits a step; nothing when it comes to no operation. */
  async commit(step: Step): Promise<void> {
    const nodes = await this.nodes((await this.head()).root);
    const operations = step.flatMap((act) => toOperations(nodes, act));
    if (operations.length === 0) return;
    await must(this.device.send(this.device.request(operations, { sessions: this.#sessions })));
  }

  /** The root after each seq, the empty one before all. */
  async roots(): Promise<Digest[]> {
    const roots: Digest[] = [];
    for (;;) {
      const { entries, more } = await must(this.device.changes(Math.max(0, roots.length - 1)));
      if (roots.length === 0 && entries[0] !== undefined) roots.push(entries[0].previousRoot);
      for (const entry of entries) roots.push(entry.root);
      if (!more) return roots;
    }
  }
}

function toOperations(nodes: Nodes, act: Step[number]): Operation[] {
  const nodeId = nodeOf(`n${act.node}`);
  const known = nodes.get(nodeId);
  const base = known?.entry.version ?? [];
  const other = nodes.get(nodeOf(`n${act.other}`));
  const folder = other?.entry.kind === 'folder' && act.other !== act.node ? other.entry.nodeId : rootNodeId;
  const to = { parentId: folder, name: names[act.name]! };
  switch (act.kind) {
    case 'put': {
      const mode = act.executable ? 0o111 : 0;
      const put = putOperation({ node: nodeId, name: to.name, in: folder, text: texts[act.text]!, base, mode });
      return [put];
    }
    case 'mkdir':
      return [mkdirOperation(nodeId, to.name, folder, base)];
    case 'link': {
      const target = `to ${act.text}`;
      return [{ kind: 'symlink', nodeId, ...to, base, baseTarget: null, target, mtimeMs: 0, clockMs: 0 }];
    }
    case 'move':
      return known === undefined ? [] : [moveOperation(nodeId, known.place, to, base)];
    case 'swap':
      return known === undefined || other === undefined ? [] : swap(known, other);
    case 'delete':
      return known === undefined ? [] : deleteAll(nodes, known);
  }
}

/** Two nodes take each other's place, through a third name. */
function swap(a: Standing, b: Standing): Operation[] {
  const [one, two] = [a.entry.nodeId, b.entry.nodeId];
  return [
    moveOperation(one, a.place, { parentId: rootNodeId, name: 'between' }, a.entry.version),
    moveOperation(two, b.place, a.place, b.entry.version),
    moveOperation(one, a.place, b.place, a.entry.version),
  ];
}

/** A node and all below it, the deepest first. */
function deleteAll(nodes: Nodes, node: Standing): Operation[] {
  const within = [...nodes.values()].filter(({ place }) => place.parentId === node.entry.nodeId);
  const { nodeId, version } = node.entry;
  return [...within.flatMap((child) => deleteAll(nodes, child)), deleteOperation(nodeId, version)];
}

/** What a user sees of a tree, by path: kind, content or target, mode. */
export function listing(nodes: Nodes, within: NodeId = rootNodeId): Map<string, string> {
  const seen = new Map<string, string>();
  const walk = (folderId: NodeId, path: string): void => {
    for (const { place, entry } of nodes.values()) {
      if (place.parentId !== folderId) continue;
      const here = `${path}/${place.name}`;
      const holds = entry.kind === 'file' ? entry.content : entry.kind === 'symlink' ? entry.target : '';
      seen.set(here, `${entry.kind} ${holds} ${entry.mode}`);
      if (entry.kind === 'folder') walk(entry.nodeId, here);
    }
  };
  walk(within, '');
  return new Map([...seen].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a node is another one or lies in it. */
export function isWithin(nodes: Nodes, nodeId: NodeId, folderId: NodeId): boolean {
  for (let at: NodeId | undefined = nodeId; at !== undefined; at = nodes.get(at)?.place.parentId) {
    if (at === folderId) return true;
  }
  return false;
}
