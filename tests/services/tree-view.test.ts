import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type NodeId, bytesToNodeId, rootNodeId } from '../../shared/core/ids.ts';
import { mapApply } from '../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { deriveMapEdits } from '../../shared/core/tree/derive-edits.ts';
import type { FolderEntry } from '../../shared/core/tree/entry.ts';
import type { Place } from '../../shared/core/tree/keys.ts';
import { TreeView } from '../../shared/services/tree-view.ts';

const ids = [rootNodeId, ...Array.from({ length: 7 }, (_, i) => bytesToNodeId(new Uint8Array(16).fill(i + 1)))];
const names = ['a', 'b', 'c'];

const change = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'remove', 'settle'),
  node: fc.integer({ min: 1, max: ids.length - 1 }),
  parent: fc.nat(ids.length - 1),
  name: fc.constantFrom(...names),
});

/** Folders only: where each stands. What the view must agree with after every change. */
type Model = Map<NodeId, Place>;

function folder(nodeId: NodeId): FolderEntry {
  return { kind: 'folder', nodeId, version: [], mtimeMs: 0, mode: 0 };
}

function occupant(model: Model, place: Place): NodeId | undefined {
  return [...model].find(([, at]) => at.parentId === place.parentId && at.name === place.name)?.[0];
}

function childrenOf(model: Model, folderId: NodeId): number {
  return [...model.values()].filter(({ parentId }) => parentId === folderId).length;
}

/** From a folder up to the root; undefined when one above it is nowhere. */
function pathOf(model: Model, nodeId: NodeId): string | undefined {
  let path = '';
  for (let at = nodeId; at !== rootNodeId;) {
    const place = model.get(at);
    if (place === undefined || path.length > 100) return undefined;
    path = `${place.name}/${path}`;
    at = place.parentId;
  }
  return path;
}

async function agree(view: TreeView, model: Model): Promise<void> {
  for (const nodeId of ids) {
    assert.deepEqual(await view.locate(nodeId), model.get(nodeId));
    assert.equal(await view.hasChildren(nodeId), childrenOf(model, nodeId) > 0);
    const path = pathOf(model, nodeId);
    const depth = await view.depthOf(nodeId);
    assert.deepEqual(
      depth,
      path === undefined ? undefined : { folders: path.split('/').length - 1, pathBytes: path.length },
    );
    for (const name of names) {
      const place = { parentId: nodeId, name };
      assert.equal((await view.get(place))?.nodeId, occupant(model, place));
    }
  }
}

describe('a tree under pending edits', () => {
  it('looks like the tree that the edits lead to, after each of them and when they are applied', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        const source = new MemoryNodeSource();
        let root = emptyMapRoot;
        let view = new TreeView(source, root);
        const model: Model = new Map();
        const settle = async (): Promise<void> => {
          const { edits, before } = view.pendingEdits();
          const applied = await mapApply(source, root, deriveMapEdits(edits, before));
          source.add(applied.nodes);
          root = applied.root;
          view = new TreeView(source, root);
        };
        for (const { kind, node, parent, name } of changes) {
          const nodeId = ids[node]!;
          const place = { parentId: ids[parent]!, name };
          const isFree = [undefined, nodeId].includes(occupant(model, place));
          const reachable = place.parentId === rootNodeId || pathOf(model, place.parentId) !== undefined;
          const isBelow = await view.isWithin(place.parentId, nodeId);
          if (kind === 'put' && isFree && reachable && !isBelow) {
            await view.put(place, folder(nodeId));
            model.set(nodeId, place);
          } else if (kind === 'remove' && childrenOf(model, nodeId) === 0) {
            await view.remove(nodeId);
            model.delete(nodeId);
          } else if (kind === 'settle') await settle();
          await agree(view, model);
        }
        await settle();
        await agree(view, model);
      }),
      { numRuns: 150 },
    );
  });

  it('that were undone leaves no edits', async () => {
    const view = new TreeView(new MemoryNodeSource(), emptyMapRoot);
    await view.put({ parentId: rootNodeId, name: 'a' }, folder(ids[1]!));
    await view.put({ parentId: rootNodeId, name: 'b' }, folder(ids[1]!));
    await view.remove(ids[1]!);
    assert.deepEqual(view.pendingEdits(), { edits: [], before: [] });
  });
});
