/** The Merkle exchange: exactly what is missing comes in, in a round for each level, and nothing that is not right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { Digest } from '../../../shared/core/ids.ts';
import { emptyMapRoot, mapScan } from '../../../shared/core/merkle/map-read.ts';
import { type FetchNodes, mapSync } from '../../../shared/core/merkle/map-sync.ts';
import { MemoryNodeSource, OverlayNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import { type Content, anyContent, anyEdits, buildByTheBook, collect, contentAfter, manyPairs } from './map-model.ts';

/** Answers the nodes of a map, at most `most` of them at once, and keeps what it was asked. */
function serve(nodes: ReadonlyMap<Digest, Uint8Array>, most = Number.POSITIVE_INFINITY) {
  const asked: Digest[] = [];
  const fetch: FetchNodes = (hashes) => {
    const part = hashes.slice(0, most);
    asked.push(...part);
    return Promise.resolve(part.map((hash) => nodes.get(hash)));
  };
  return { asked, fetch };
}

async function checkExchange(before: Content, after: Content): Promise<void> {
  const [old, wanted] = [buildByTheBook(before), buildByTheBook(after)];
  const local = new MemoryNodeSource(old.nodes);
  const { asked, fetch } = serve(wanted.nodes);
  const { nodes, rounds, bytes } = await mapSync(local, wanted.root, fetch);
  const missing = [...wanted.nodes.keys()].filter((hash) => !old.nodes.has(hash) && hash !== emptyMapRoot);
  assert.deepEqual(asked.toSorted(), missing.toSorted(), 'exactly the missing nodes, each once');
  assert.deepEqual(new Set(nodes.keys()), new Set(missing));
  assert.ok(rounds <= wanted.levels, 'one round for each level');
  assert.equal(bytes, [...nodes.values()].reduce((sum, node) => sum + node.length, 0)); // prettier-ignore
  const whole = new OverlayNodeSource(new MemoryNodeSource(nodes), local);
  assert.equal((await collect(mapScan(whole, wanted.root))).length, after.size);
}

test('of any map beside any other, exactly the nodes that are missing come in, in as many rounds as levels', async () => {
  await fc.assert(fc.asyncProperty(anyContent, anyContent, checkExchange), { numRuns: 200 });
});

test('of a map that was edited, likewise', async () => {
  await fc.assert(
    fc.asyncProperty(anyContent, anyEdits, async (before, edits) => checkExchange(before, contentAfter(before, edits))),
    { numRuns: 300 },
  );
});

test('one change among 100,000 pairs brings in a node for each level', async () => {
  const pairs = manyPairs(100_000);
  const [key] = [...pairs.keys()];
  const after = new Map(pairs).set(key!, Uint8Array.of(9));
  const [old, wanted] = [buildByTheBook(pairs), buildByTheBook(after)];
  const { asked, fetch } = serve(wanted.nodes);
  const { rounds } = await mapSync(new MemoryNodeSource(old.nodes), wanted.root, fetch);
  assert.equal(asked.length, wanted.levels);
  assert.equal(rounds, wanted.levels);
});

test('levels larger than a request take several, and answers may be cut off', async () => {
  const wanted = buildByTheBook(manyPairs(5_000));
  const { asked, fetch } = serve(wanted.nodes, 7);
  const { nodes, rounds } = await mapSync(new MemoryNodeSource(), wanted.root, fetch, { nodesAtOnce: 10 });
  assert.equal(nodes.size, wanted.nodes.size);
  assert.equal(asked.length, wanted.nodes.size);
  assert.ok(rounds >= wanted.nodes.size / 7);
});

const coded = (error: unknown): boolean =>
  isTidemarkError(error, 'corrupt') || isTidemarkError(error, 'malformed') || isTidemarkError(error, 'too-large');

test('a hostile peer ends with an error: other bytes, nothing, other maps, too much', async () => {
  const wanted = buildByTheBook(manyPairs(2_000));
  const other = buildByTheBook(manyPairs(2_000, 1));
  const local = new MemoryNodeSource();
  const refused = (fetch: FetchNodes, nodesMax = 1_000) =>
    assert.rejects(mapSync(local, wanted.root, fetch, { nodesMax }), coded);
  await refused(() => Promise.resolve([]));
  await refused((hashes) => Promise.resolve(hashes.map(() => null)));
  await refused((hashes) => Promise.resolve(hashes.map(() => new Uint8Array(0))));
  await refused((hashes) => Promise.resolve(hashes.map(() => other.nodes.get(other.root))));
  await refused(serve(wanted.nodes).fetch, 5);
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(wanted.nodes.size - 1),
      fc.nat(10_000),
      fc.integer({ min: 1, max: 255 }),
      (which, at, flip) => {
        const bad = [...wanted.nodes.keys()][which];
        return refused((hashes) => {
          calls++;
          return Promise.resolve(
            hashes.map((hash) => {
              const bytes = wanted.nodes.get(hash)!.slice();
              if (hash === bad) bytes[at % bytes.length]! ^= flip;
              return bytes;
            }),
          );
        });
      },
    ),
    { numRuns: 100 },
  );
  assert.ok(calls > 100);
});

test('more answers than were asked for are not looked at', async () => {
  const wanted = buildByTheBook(manyPairs(500));
  const { nodes } = await mapSync(new MemoryNodeSource(), wanted.root, (hashes) =>
    Promise.resolve([...hashes.map((hash) => wanted.nodes.get(hash)), new Uint8Array(5)]),
  );
  assert.equal(nodes.size, wanted.nodes.size);
});
