/** The bytes of every worked example in docs/protocol.md, as the code gives them. Names are those of the document's fences. */
import { encode } from '@msgpack/msgpack';
import { createEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { concatBytes, emptyBytes, hexToBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3, mapNodeHash, merkleNodeHash } from '../../shared/core/hash/blake3.ts';
import {
  type DigestColumn,
  idToBytes,
  parseDeviceId,
  parseDigest,
  parseDigestColumn,
  parseNodeId,
  parseRequestId,
  parseSessionId,
  parseUserId,
  parseWorkspaceId,
  rootNodeId,
} from '../../shared/core/ids.ts';
import { buildManifest } from '../../shared/core/manifest/manifest.ts';
import { mapApply } from '../../shared/core/merkle/map-apply.ts';
import { emptyMapNode, emptyMapRoot } from '../../shared/core/merkle/map-node.ts';
import { mapProve } from '../../shared/core/merkle/map-proof.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { merkleRoot, proveRange } from '../../shared/core/merkle/tree.ts';
import { buildPack } from '../../shared/core/pack/pack-writer.ts';
import { deriveMapEdits } from '../../shared/core/tree/derive-edits.ts';
import { type Entry, type FileEntry, encodeEntry } from '../../shared/core/tree/entry.ts';
import { entryKey, placeKey, placeToValue } from '../../shared/core/tree/keys.ts';
import { type CommitRequest, commitRequest } from '../../shared/core/wire/commit.ts';
import { registerDeviceRequest } from '../../shared/core/wire/device.ts';
import { encodeBody, encodeJson } from '../../shared/core/wire/envelope.ts';
import {
  firstChain,
  headSignedBytes,
  keyEndorsementBytes,
  nextChain,
  treeEdits,
} from '../../shared/core/wire/journal-entry.ts';
import { realtimeExamples } from './realtime-examples.ts';

/** Bytes, for `hex` fences; text, for `txt` and `json` ones. */
export type Example = Uint8Array | string;
type Examples = Readonly<Record<string, Example>>;

const workspaceId = parseWorkspaceId('aa'.repeat(16));
const deviceId = parseDeviceId('dd'.repeat(16));
const sessionId = parseSessionId('55'.repeat(16));
const requestId = parseRequestId('cc'.repeat(16));
const folderNode = parseNodeId('f0'.repeat(16));
const fileNode = parseNodeId('f1'.repeat(16));
const timeMs = 1_795_305_600_000;

function columnOf(...chunks: readonly Uint8Array[]): DigestColumn {
  return parseDigestColumn(concatBytes(...chunks.map(blake3)));
}

function merkleExamples(): Examples {
  const five = columnOf(...['a', 'b', 'c', 'd', 'e'].map(utf8));
  const two = parseDigestColumn(five.subarray(0, 64));
  return {
    'merkle-key': blake3(utf8('tidemark merkle node v1')),
    'merkle-empty': idToBytes(merkleRoot(parseDigestColumn(emptyBytes))),
    'merkle-leaf-a': blake3(utf8('a')),
    'merkle-two': merkleNodeHash(two),
    'merkle-five': idToBytes(merkleRoot(five)),
    'merkle-proof': proveRange(five, 2, 4),
  };
}

function packExamples(): Examples {
  const chunks = [utf8('hello'), utf8('world!')];
  const one = buildPack(null, columnOf(chunks[0]!), () => chunks[0]!);
  const two = buildPack(null, columnOf(...chunks), (i) => chunks[i]!);
  return { 'pack-one': one.bytes, 'pack-two': two.bytes, 'pack-two-id': idToBytes(two.packId) };
}

/** The first text `chunk <i>` whose hash ends a segment. */
function segmentEnder(): Uint8Array {
  for (let i = 0; ; i++) {
    const chunk = utf8(`chunk ${i}`);
    if (blake3(chunk)[31] === 0) return chunk;
  }
}

function manifestExamples(): Examples {
  const chunks = [utf8('hello'), utf8('world!')];
  const inline = buildManifest(1, { hashes: columnOf(...chunks), lengths: Uint32Array.of(5, 6) });
  const ender = segmentEnder();
  const lengths = Uint32Array.of(ender.length, 5);
  const listed = buildManifest(1, { hashes: columnOf(ender, chunks[0]!), lengths });
  const [first, second] = [...listed.segments.values()];
  return {
    'manifest-inline': inline.manifest ?? emptyBytes,
    'segment-ender': ender,
    'segment-first': first ?? emptyBytes,
    'segment-second': second ?? emptyBytes,
    'manifest-listed': listed.manifest ?? emptyBytes,
    'manifest-listed-root': idToBytes(listed.root),
  };
}

async function mapExamples(): Promise<Examples> {
  const pairs = { a: 1, g: 2, h: 3 };
  const edits = Object.entries(pairs).map(([key, value]) => ({ key: utf8(key), value: Uint8Array.of(value) }));
  const source = new MemoryNodeSource();
  const { root, nodes } = await mapApply(source, emptyMapRoot, edits);
  source.add(nodes);
  const [rootNode, leftLeaf] = await mapProve(source, root, utf8('b'));
  const [, rightLeaf] = await mapProve(source, root, utf8('h'));
  return {
    'map-key': blake3(utf8('tidemark map node v1')),
    'map-empty-node': emptyMapNode,
    'map-empty-root': idToBytes(emptyMapRoot),
    'map-leaf-left': leftLeaf ?? emptyBytes,
    'map-leaf-left-hash': mapNodeHash(leftLeaf ?? emptyBytes),
    'map-leaf-right': rightLeaf ?? emptyBytes,
    'map-leaf-right-hash': mapNodeHash(rightLeaf ?? emptyBytes),
    'map-root-node': rootNode ?? emptyBytes,
    'map-root': idToBytes(root),
  };
}

const folder: Entry = {
  kind: 'folder',
  nodeId: folderNode,
  version: [[deviceId, 1]],
  mtimeMs: timeMs,
  mode: 0,
};
const file: FileEntry = {
  kind: 'file',
  nodeId: fileNode,
  version: [[deviceId, 1]],
  mtimeMs: timeMs,
  mode: 0,
  size: 5,
  content: merkleRoot(columnOf(utf8('hello'))),
};
const sha256OfHello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const folderPlace = { parentId: rootNodeId, name: 'docs' };
const filePlace = { parentId: folderNode, name: 'hi.txt' };
const edits = [
  { key: entryKey(folderPlace), value: encodeEntry(folder) },
  { key: entryKey(filePlace), value: encodeEntry(file) },
];

/** The commit that makes docs/hi.txt in an empty workspace: its tree, its journal entry, its signature. */
async function treeExamples(): Promise<Examples> {
  const link: Entry = { ...folder, kind: 'symlink', target: 'hi.txt' };
  const { root } = await mapApply(new MemoryNodeSource(), emptyMapRoot, deriveMapEdits(edits, [undefined, undefined]));
  const head = { seq: 1, previousRoot: emptyMapRoot, root, timeMs };
  const userId = parseUserId('id.example|ann');
  const before = firstChain(workspaceId);
  const chain = nextChain(before, { ...head, userId, deviceId, requestId, edits });
  const signed = headSignedBytes(workspaceId, { ...head, chain });
  const seed = new Uint8Array(32).fill(7);
  const signer = createEd25519Signer(seed);
  const [next] = await createEd25519Signer(seed, new Uint8Array(32).fill(8)).publicKeys();
  const editBytes = encode(treeEdits.toWire(edits));
  const ids = [idToBytes(deviceId), idToBytes(requestId)];
  return {
    'tree-entry-key': entryKey(filePlace),
    'tree-entry-file': encodeEntry(file),
    'tree-entry-sha256': encodeEntry({ ...file, sha256: parseDigest(sha256OfHello) }),
    'tree-entry-folder': encodeEntry(folder),
    'tree-entry-symlink': encodeEntry(link),
    'tree-place-key': placeKey(fileNode),
    'tree-place-value': placeToValue(filePlace),
    'tree-root': idToBytes(root),
    'journal-edits': editBytes,
    'journal-edits-hash': blake3(editBytes),
    'journal-chain-0': idToBytes(before),
    'journal-summary': encode([1, idToBytes(emptyMapRoot), idToBytes(root), timeMs, userId, ...ids, blake3(editBytes)]),
    'journal-chain-1': idToBytes(chain),
    'journal-signed': signed,
    'journal-public-key': (await signer.publicKeys())[0]?.publicKey ?? emptyBytes,
    'journal-signature': (await signer.sign(signed)).signature,
    'journal-endorsed': keyEndorsementBytes(next!.publicKey),
    'journal-endorsement': next?.endorsement?.signature ?? emptyBytes,
  };
}

/** The request that asks for that commit. */
const request: CommitRequest = {
  workspaceId,
  deviceId,
  sessions: [sessionId],
  manifests: [],
  segments: [],
  operations: [
    {
      kind: 'mkdir',
      nodeId: folderNode,
      ...folderPlace,
      base: [],
      mtimeMs: timeMs,
      clockMs: timeMs,
    },
    {
      kind: 'put',
      nodeId: fileNode,
      ...filePlace,
      base: [],
      baseContent: null,
      content: file.content,
      size: 5,
      mode: 0,
      mtimeMs: timeMs,
      clockMs: timeMs,
      sha256: null,
      fallback: null,
    },
  ],
};

function wireExamples(): Examples {
  const device = { token: hexToBytes('ee'.repeat(16)), name: "Ann's laptop" };
  return {
    'wire-device': encodeBody(registerDeviceRequest, device, null),
    'wire-device-json': encodeJson(registerDeviceRequest, device),
    'wire-commit': encodeBody(commitRequest, request, null),
    'wire-commit-json': encodeJson(commitRequest, request),
    'wire-lz4': hexToBytes('92d46228c40c1f2a01000e602a2a2a2a2a2a'),
  };
}

export async function protocolExamples(): Promise<Examples> {
  return {
    ...merkleExamples(),
    ...packExamples(),
    ...manifestExamples(),
    ...(await mapExamples()),
    ...(await treeExamples()),
    ...wireExamples(),
    ...realtimeExamples(),
  };
}
