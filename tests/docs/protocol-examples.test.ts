/**
 * docs/protocol.md against the code: every example and table in it is what the code gives, and the document's own bytes are
 * taken by the code's readers. A test that fails here means that the page is wrong, or that the protocol changed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../../shared/core/hash/blake3.ts';
import { bytesToDigest, parseDigestColumn } from '../../shared/core/ids.ts';
import { assembleManifest, decodeManifest } from '../../shared/core/manifest/manifest.ts';
import { verifyMapProof } from '../../shared/core/merkle/map-proof.ts';
import { verifyRange } from '../../shared/core/merkle/tree.ts';
import { verifyPack } from '../../shared/core/pack/pack-reader.ts';
import { decodeEntry } from '../../shared/core/tree/entry.ts';
import { entryKeyToPlace } from '../../shared/core/tree/keys.ts';
import { commitRequest } from '../../shared/core/wire/commit.ts';
import { decodeBody, encodeJson } from '../../shared/core/wire/envelope.ts';
import { unwrapLz4 } from '../../shared/core/wire/lz4-block-array.ts';
import { verifySignature } from '../../client/sdk/signatures.ts';
import { protocolExamples } from './examples.ts';
import { findFences, hexBlockToBytes } from './fences.ts';
import { protocolReference } from './reference.ts';

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const fences = findFences(page);
const given = { ...(await protocolExamples()), ...protocolReference() };

function documented(name: string): Uint8Array {
  const found = fences.find((fence) => fence.name === name);
  assert.ok(found, `docs/protocol.md has no example ${name}`);
  return hexBlockToBytes(found.text);
}

const digestOf = (name: string) => bytesToDigest(documented(name));

test('the page has each example of the code once, and no other', () => {
  const onPage = fences.map((fence) => fence.name);
  // 'segment-ender' is a chunk that the page names in its text.
  const inCode = Object.keys(given).filter((name) => name !== 'segment-ender');
  assert.deepEqual(onPage.toSorted(), inCode.toSorted());
  assert.equal(page.split(' example=').length - 1, fences.length, 'a fence is not of the form that is tested');
});

for (const { name, language, text } of fences) {
  test(`example ${name} is what the code gives`, () => {
    const expected = given[name];
    if (language === 'hex') assert.deepEqual(hexBlockToBytes(text), expected);
    else assert.equal(text, expected);
  });
}

test('packs and manifests of the page are read and verified', () => {
  assert.equal(verifyPack(documented('pack-one'), nodeCodecs).packId, blake3Digest(utf8('hello')));
  const root = digestOf('pack-two-id');
  assert.equal(verifyPack(documented('pack-two'), nodeCodecs, root).plainBytes, 11);
  const inline = decodeManifest(documented('manifest-inline'));
  assert.deepEqual([...assembleManifest(root, inline, () => undefined).lengths], [5, 6]);
  const segments = new Map(['segment-first', 'segment-second'].map((name) => [blake3Digest(documented(name)), name]));
  const listed = decodeManifest(documented('manifest-listed'));
  const chunks = assembleManifest(digestOf('manifest-listed-root'), listed, (hash) => {
    const name = segments.get(hash);
    return name === undefined ? undefined : documented(name);
  });
  assert.deepEqual(chunks.hashes.subarray(0, 32), blake3(utf8('chunk 135')));
});

test('proofs of the page verify', () => {
  const leaves = parseDigestColumn(new Uint8Array([...blake3(utf8('c')), ...blake3(utf8('d'))]));
  assert.ok(verifyRange(digestOf('merkle-five'), 5, 2, leaves, documented('merkle-proof')));
  const proof = [documented('map-root-node'), documented('map-leaf-left')];
  assert.equal(verifyMapProof(digestOf('map-root'), utf8('b'), proof), undefined);
  assert.deepEqual(verifyMapProof(digestOf('map-root'), utf8('g'), proof), Uint8Array.of(2));
});

test('tree, messages and signature of the page are read', async () => {
  assert.equal(entryKeyToPlace(documented('tree-entry-key')).name, 'hi.txt');
  assert.equal(decodeEntry(documented('tree-entry-symlink')).kind, 'symlink');
  assert.deepEqual(unwrapLz4(documented('wire-lz4'), nodeCodecs.lz4), new Uint8Array(40).fill(0x2a));
  const commit = decodeBody(commitRequest, documented('wire-commit'), null);
  assert.equal(encodeJson(commitRequest, commit), fences.find((fence) => fence.name === 'wire-commit-json')?.text);
  const signed = [documented('journal-signed'), documented('journal-signature')] as const;
  assert.ok(await verifySignature(documented('journal-public-key'), ...signed));
});
