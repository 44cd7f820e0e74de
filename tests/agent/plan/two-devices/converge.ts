/**
 * Two devices and a server, as bare as they can be: three trees in memory each, the planner, the rules of merging, and what the engine
 * does between them. A case is a tree that both have, and what each of their users made of it; it ends when neither has anything to do.
 */
import assert from 'node:assert/strict';
import { digestAnswer } from '../../../../client/agent/engine/digest.ts';
import { rebaseTrees } from '../../../../client/agent/engine/converge.ts';
import { settleNode } from '../../../../client/agent/engine/apply.ts';
import { noStat } from '../../../../client/agent/journal/rows.ts';
import type { LocalNode, PlacedEntry } from '../../../../client/agent/model.ts';
import { type Plan, isEmptyPlan, plan } from '../../../../client/agent/plan/plan.ts';
import type { Digest, NodeId, WorkspaceId } from '../../../../shared/core/ids.ts';
import { rootNodeId } from '../../../../shared/core/ids.ts';
import type { CommitRequest } from '../../../../shared/core/wire/commit.ts';
import type { Operation } from '../../../../shared/core/wire/operation.ts';
import type { ConflictPolicy } from '../../../../shared/core/wire/workspace.ts';
import { type Tree, carryOut, toLocal } from '../model.ts';
import { MemoryServer, deviceIdOf } from './memory-server.ts';
import { MemoryTrees } from './memory-trees.ts';

/** Of syncs by turns until nothing is left to do. */
export const roundsMax = 50;
/** Plans of one sync: each does something. */
const plansMax = 64;

export interface Case {
  readonly tree: Tree;
  /** What the users made of it. */
  readonly mine: Tree;
  readonly theirs: Tree;
  readonly policy: ConflictPolicy;
  /** Whether the disk of the second device takes names that differ in case only for one. */
  readonly theirsFolds?: boolean;
}

export interface Converged {
  readonly tree: ReadonlyMap<NodeId, PlacedEntry>;
  readonly rounds: number;
}

/** A device's disk: what was synced to it, and what its user made of that. */
interface Disk {
  readonly tree: Tree;
  readonly local: Tree;
  readonly foldsNames: boolean;
}

export class ModelDevice {
  readonly trees = new MemoryTrees();
  readonly #server: MemoryServer;
  readonly #n: number;
  readonly #foldsNames: boolean;
  readonly #held = new Set<NodeId>();
  readonly #failures = new Map<NodeId, number>();

  constructor(server: MemoryServer, n: number, { tree, local, foldsNames }: Disk) {
    this.#server = server;
    this.#n = n;
    this.#foldsNames = foldsNames;
    this.trees.begin(new Map([...tree].map(([id, node]) => [id, { ...node, stat: noStat }])));
    for (const id of new Set([...tree.keys(), ...local.keys()])) {
      const node = local.get(id);
      this.trees.setLocal(id, node === undefined ? undefined : toLocal(node));
    }
  }

  /** Returns how much was done. */
  async sync(): Promise<number> {
    this.#held.clear();
    this.#failures.clear();
    let done = 0;
    this.trees.follow(this.#server.tree);
    for (let plans = 0; ; plans++) {
      assert.ok(plans < plansMax, 'one sync plans for ever');
      const planned = this.#plan();
      assert.deepEqual(planned.halts, []);
      if (isEmptyPlan(planned)) return done;
      const step = await this.#carryOut(planned);
      if (step === 0) return done;
      done += step;
    }
  }

  #plan(): Plan {
    return plan({
      trees: this.trees.toPlanTrees(this.#foldsNames),
      localChanged: this.trees.localChanges(),
      remoteChanged: this.trees.remoteChanges(),
      held: this.#held,
      unapplied: new Set(),
      deletions: { local: 0, remote: 0, files: 0 },
      massDeletionAllowed: false,
      sha256Of: () => null,
      clockMs: this.#n,
      operationsMax: 10_000,
      actionsMax: 10_000,
    });
  }

  async #carryOut(planned: Plan): Promise<number> {
    rebaseTrees(this.trees, planned);
    const based = planned.matches.length + planned.adoptions.length + planned.forgotten.length;
    if (planned.operations.length > 0) {
      const moved = await this.#commit(planned.operations);
      this.trees.follow(this.#server.tree);
      if (moved > 0) return moved + based;
    }
    const applications = planned.operations.length === 0 ? planned.applications : this.#plan().applications;
    const shown = (): Tree => new Map([...this.trees.localTree()].map(([id, node]) => [id, localToPlaced(node)]));
    // Throws when the disk could not do it as it is said.
    carryOut(shown(), new Map(this.#server.tree), applications, this.#foldsNames);
    for (const application of applications) settleNode(this.trees, application, noStat);
    return based + applications.length;
  }

  async #commit(operations: readonly Operation[]): Promise<number> {
    const deviceId = deviceIdOf(this.#n);
    const outcomes = await this.#server.commit(deviceId, `device ${this.#n}`, operations);
    const request: CommitRequest = { ...emptyRequest, deviceId, operations };
    const journal = { trees: this.trees, conflicts: { add: () => undefined }, meta: { seenSeq: 0 } };
    const { refused, stuck } = digestAnswer(journal, request, { head: null, outcomes });
    for (const nodeId of stuck) this.#fail(nodeId, 5);
    const passing = new Set<string | null>(['cycle', 'gone', 'missing-parent']);
    for (const { operation, outcome } of refused) this.#fail(operation.nodeId, passing.has(outcome.reason) ? 5 : 2);
    return operations.length - refused.filter(({ outcome }) => !passing.has(outcome.reason)).length;
  }

  /** As SyncRun counts failures. */
  #fail(nodeId: NodeId, timesMax: number): void {
    const times = (this.#failures.get(nodeId) ?? 0) + 1;
    this.#failures.set(nodeId, times);
    if (times >= timesMax) this.#held.add(nodeId);
  }
}

const emptyRequest = {
  workspaceId: '0'.repeat(32) as WorkspaceId,
  sessions: [],
  manifests: [],
  segments: [],
} as const;

function localToPlaced({ nodeId, parentId, name, kind, content }: LocalNode): PlacedEntry {
  const common = { nodeId, version: [], mtimeMs: 0, mode: 0 };
  if (kind === 'file') return { parentId, name, entry: { kind, ...common, size: 0, content: content! } };
  assert.equal(kind, 'folder');
  return { parentId, name, entry: { kind: 'folder', ...common } };
}

/** Syncs by turns until nothing is left to do. Throws what went against a promise. */
export async function converge({ tree, mine, theirs, policy, theirsFolds = false }: Case): Promise<Converged> {
  const server = new MemoryServer(tree, policy);
  const devices = [
    new ModelDevice(server, 1, { tree, local: mine, foldsNames: false }),
    new ModelDevice(server, 2, { tree, local: theirs, foldsNames: theirsFolds }),
  ];
  for (let round = 1; ; round++) {
    assert.ok(round <= roundsMax, 'the devices do not come together');
    let done = 0;
    for (const device of devices) done += await device.sync();
    if (done === 0) {
      for (const { trees } of devices) assert.deepEqual(shapeOf(trees.localTree()), shapeOf(flat(server.tree)));
      checkTree(server.tree);
      return { tree: server.tree, rounds: round };
    }
  }
}

interface Shown {
  readonly parentId: NodeId;
  readonly name: string;
  readonly content: Digest | null;
}

function flat(tree: ReadonlyMap<NodeId, PlacedEntry>): Map<NodeId, Shown> {
  const shown = [...tree].map(([id, { parentId, name, entry }]): [NodeId, Shown] => {
    return [id, { parentId, name, content: entry.kind === 'file' ? entry.content : null }];
  });
  return new Map(shown);
}

function shapeOf(nodes: ReadonlyMap<NodeId, Shown>): string[] {
  return [...nodes].map(([id, { parentId, name, content }]) => `${id} ${parentId} ${name} ${content ?? ''}`).sort();
}

/** Every node is under the root, and every name is one node's. */
function checkTree(tree: ReadonlyMap<NodeId, PlacedEntry>): void {
  const places = new Set<string>();
  for (const [nodeId, { parentId, name }] of tree) {
    assert.ok(!places.has(`${parentId}/${name}`), 'one name, two nodes');
    places.add(`${parentId}/${name}`);
    let above: NodeId = nodeId;
    for (let depth = 0; above !== rootNodeId; depth++) {
      assert.ok(depth <= tree.size, 'a ring of folders');
      const node = tree.get(above);
      assert.ok(node !== undefined, 'a node in no folder');
      above = node.parentId;
    }
  }
}
