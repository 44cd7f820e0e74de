/**
 * The merge of a commit of 1,000 operations (edits, new files, moves, deletes, some of them in conflict) into a workspace of a
 * million entries, from memory: all that a commit does between reading the head and its transaction. `node bench/server-merge.ts
 * [entries]` runs it alone.
 */
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { utf8 } from '../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../shared/core/hash/blake3.ts';
import {
  type DeviceId,
  type Digest,
  type NodeId,
  bytesToDeviceId,
  bytesToNodeId,
  bytesToRequestId,
  rootNodeId,
} from '../shared/core/ids.ts';
import { mapApply } from '../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../shared/core/merkle/map-node.ts';
import { MemoryNodeSource } from '../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../shared/core/merkle/node-source.ts';
import { deriveMapEdits } from '../shared/core/tree/derive-edits.ts';
import { type Entry, encodeEntry } from '../shared/core/tree/entry.ts';
import { entryKey } from '../shared/core/tree/keys.ts';
import type { TreeEdit } from '../shared/core/wire/journal-entry.ts';
import type { Operation } from '../shared/core/wire/operation.ts';
import { applyOperations } from '../shared/services/merge/apply-operations.ts';
import { TreeView } from '../shared/services/tree-view.ts';
import { percentilesOf } from './percentiles.ts';
import { figure, machineLine, printTable } from './table.ts';

const filesPerFolder = 1_000;
const operationCount = 1_000;
const repeats = 9;

const deviceOf = (name: string): DeviceId => bytesToDeviceId(blake3(utf8(name)).slice(0, 16));
const nodeOf = (name: string): NodeId => bytesToNodeId(blake3(utf8(name)).slice(0, 16));
const folderOf = (file: number): NodeId => nodeOf(`folder ${Math.floor(file / filesPerFolder)}`);
const nameOf = (file: number): string => `file-${String(file).padStart(8, '0')}.txt`;

const author = deviceOf('laptop');
const firstVersion = [[author, 1]] as const;

function fileEntry(file: number): Entry {
  const content = blake3Digest(utf8(`content ${file}`));
  return {
    kind: 'file',
    nodeId: nodeOf(`file ${file}`),
    version: firstVersion,
    mtimeMs: 0,
    mode: 0,
    size: 10,
    content,
  };
}

/** A tree of so many files, 1,000 in each folder of the root. Built folder by folder, so that its edits never stand in memory at once. */
async function buildTree(files: number): Promise<{ readonly source: MemoryNodeSource; readonly root: Digest }> {
  const source = new MemoryNodeSource();
  let root: Digest = emptyMapRoot;
  const foldersAtOnce = 100;
  for (let first = 0; first < files; first += foldersAtOnce * filesPerFolder) {
    const edits: TreeEdit[] = [];
    for (let file = first; file < Math.min(files, first + foldersAtOnce * filesPerFolder); file++) {
      if (file % filesPerFolder === 0) {
        const folder: Entry = { kind: 'folder', nodeId: folderOf(file), version: firstVersion, mtimeMs: 0, mode: 0 };
        const name = `folder-${file / filesPerFolder}`;
        edits.push({ key: entryKey({ parentId: rootNodeId, name }), value: encodeEntry(folder) });
      }
      edits.push({
        key: entryKey({ parentId: folderOf(file), name: nameOf(file) }),
        value: encodeEntry(fileEntry(file)),
      });
    }
    edits.sort((a, b) => Buffer.compare(a.key, b.key));
    const applied = await mapApply(
      source,
      root,
      deriveMapEdits(
        edits,
        edits.map(() => undefined),
      ),
    );
    source.add(applied.nodes);
    root = applied.root;
  }
  return { source, root };
}

/** As a request sees the store: each node comes as bytes of its own, once. */
function freshSource(source: NodeSource): NodeSource {
  const cache = new Map<Digest, Uint8Array>();
  return {
    checked: new Map(),
    async getNodes(hashes) {
      const unknown = hashes.filter((hash) => !cache.has(hash));
      const found = await source.getNodes(unknown);
      for (const [i, hash] of unknown.entries()) if (found[i] !== undefined) cache.set(hash, found[i].slice());
      return hashes.map((hash) => cache.get(hash));
    },
  };
}

/** Operations spread over the whole tree: in turn an edit, an edit in conflict, a new file, a move, a delete. */
function operationsOn(files: number): Operation[] {
  const step = Math.floor(files / operationCount);
  return Array.from({ length: operationCount }, (_, i): Operation => {
    const file = i * step;
    const common = { nodeId: nodeOf(`file ${file}`), base: firstVersion, clockMs: 1_795_305_600_000 };
    const place = { parentId: folderOf(file), name: nameOf(file) };
    const content = blake3Digest(utf8(`new content ${i}`));
    const put = { baseContent: null, content, size: 12, mode: 0, mtimeMs: 0, sha256: null, fallback: null };
    switch (i % 5) {
      case 0:
        return { kind: 'put', ...common, ...place, ...put };
      case 1:
        return { kind: 'put', ...common, ...place, ...put, base: [] };
      case 2:
        return { kind: 'put', ...common, ...put, ...place, nodeId: nodeOf(`new ${i}`), name: `new-${i}`, base: [] };
      case 3:
        return {
          kind: 'move',
          ...common,
          parentId: folderOf((file + files / 2) % files),
          name: `moved-${i}`,
          basePlace: place,
        };
      default:
        return { kind: 'delete', ...common };
    }
  });
}

/** Prints the time of a merge: rules, edits, and the new nodes of the map with their hashes. */
export async function benchMerge(files = 1_000_000): Promise<void> {
  await installNativeBlake3();
  const { source, root } = await buildTree(files);
  const operations = operationsOn(files);
  const times: number[] = [];
  let nodes = 0;
  let conflicts = 0;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const nodesOfRequest = freshSource(source);
    const tree = new TreeView(nodesOfRequest, root);
    const outcomes = await applyOperations(
      {
        tree,
        mode: 'personal',
        policy: 'copy',
        deviceId: deviceOf('phone'),
        deviceName: 'phone',
        requestId: bytesToRequestId(new Uint8Array(16).fill(1)),
        headSeq: 1,
        aliases: new Map(),
      },
      operations,
    );
    const { edits, before } = tree.pendingEdits();
    const applied = await mapApply(nodesOfRequest, root, deriveMapEdits(edits, before));
    times.push(performance.now() - start);
    nodes = applied.nodes.size;
    conflicts = outcomes.filter(({ status }) => status === 'copied').length;
  }
  const { p50, max } = percentilesOf(times);
  const column = `${figure(files)} files`;
  printTable(`Merge of ${figure(operationCount)} operations, spread over the tree, from memory (${repeats} times)`, [
    { row: 'median, ms', column, text: figure(p50) },
    { row: 'longest, ms', column, text: figure(max) },
    { row: 'conflict copies among them', column, text: figure(conflicts) },
    { row: 'new nodes of the map', column, text: figure(nodes) },
  ]);
}

if (import.meta.main) {
  const files = Number(process.argv[2] ?? 1_000_000);
  await benchMerge(files);
  console.log(machineLine());
}
