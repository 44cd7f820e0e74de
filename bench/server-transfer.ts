/**
 * What moves content: the negotiation of a full window of 16,384 hashes, packs into the blob endpoint, their verification, and
 * ranges out of it. `node bench/server-transfer.ts` runs it alone.
 */
import { createCipheriv } from 'node:crypto';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../shared/adapters/node/node-codecs.ts';
import { blake3, blake3Digest } from '../shared/core/hash/blake3.ts';
import {
  type DigestColumn,
  type WorkspaceId,
  columnLength,
  digestsToColumn,
  parseDigestColumn,
} from '../shared/core/ids.ts';
import { limits } from '../shared/core/limits.ts';
import { verifyPack } from '../shared/core/pack/pack-reader.ts';
import { buildPack } from '../shared/core/pack/pack-writer.ts';
import { type StackClient, openClient } from '../tests/local/stack-client.ts';
import { withStack } from './bench-stack.ts';
import { percentilesOf } from './percentiles.ts';
import { figure, machineLine, printTable } from './table.ts';

const rounds = 9;
const packsAtOnce = 4;
const chunkBytes = 65_536;
const never = new AbortController().signal;

function randomData(length: number, seed: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(16).fill(seed), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(length)));
}

async function median(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return percentilesOf(times).p50;
}

/** Hashes of which the workspace knows none, and then the answer to hashes that it knows all of. */
async function measureNegotiation(client: StackClient, workspaceId: WorkspaceId): Promise<[string, number][]> {
  const count = limits.sessionChunksMax;
  const { deviceId } = client;
  const lengths = Array<number>(count).fill(4_096);
  let round = 0;
  const unknown = await median(() => {
    const hashes = parseDigestColumn(randomData(count * 32, ++round));
    return client.api.openUploadSession({ workspaceId, deviceId, hashes, lengths });
  });
  const known = await storeSmallChunks(client, workspaceId, count);
  const allKnown = await median(() => client.api.openUploadSession({ workspaceId, deviceId, hashes: known, lengths }));
  return [
    ['negotiate 16,384 unknown hashes, ms', unknown],
    ['negotiate 16,384 known hashes, ms', allKnown],
  ];
}

/** Puts so many chunks of 4,096 bytes into the workspace, verified by a commit. */
async function storeSmallChunks(client: StackClient, workspaceId: WorkspaceId, count: number): Promise<DigestColumn> {
  const data = randomData(count * 4_096, 99);
  const chunkAt = (i: number): Uint8Array => data.subarray(i * 4_096, (i + 1) * 4_096);
  const digests = Array.from({ length: count }, (_, i) => blake3Digest(chunkAt(i)));
  const hashes = digestsToColumn(digests);
  const { deviceId } = client;
  const lengths = Array<number>(count).fill(4_096);
  const session = await client.api.openUploadSession({ workspaceId, deviceId, hashes, lengths });
  for (const { first, count: chunks, url } of session.packs) {
    const from = session.missing[first]!;
    const part = parseDigestColumn(hashes.subarray(from * 32, (from + chunks) * 32));
    await client.blobs.putPack(url, buildPack(nodeCodecs, part, (i) => chunkAt(from + i)).bytes, never);
  }
  for (let left = count; left > 0;) {
    const again = await client.api.openUploadSession({ workspaceId, deviceId, hashes, lengths });
    left = again.missing.length;
  }
  return hashes;
}

/** Packs of 8 MiB, four at a time, into the endpoint: acknowledged means on the disk. Then the same bytes out as ranges. */
async function measurePacks(client: StackClient, workspaceId: WorkspaceId): Promise<[string, number][]> {
  const packBytes = 8 * 1024 * 1024;
  const packs = Array.from({ length: 16 }, (_, n) => {
    const data = randomData(packBytes, 100 + n);
    const chunkAt = (i: number): Uint8Array => data.subarray(i * chunkBytes, (i + 1) * chunkBytes);
    const hashes = parseDigestColumn(
      Buffer.concat(Array.from({ length: packBytes / chunkBytes }, (_, i) => blake3(chunkAt(i)))),
    );
    return { hashes, pack: buildPack(nodeCodecs, hashes, chunkAt) };
  });
  const { deviceId } = client;
  const plans = [];
  for (const { hashes, pack } of packs) {
    const lengths = Array<number>(columnLength(hashes)).fill(chunkBytes);
    const session = await client.api.openUploadSession({ workspaceId, deviceId, hashes, lengths });
    plans.push({ url: session.packs[0]!.url, bytes: pack.bytes });
  }
  const total = plans.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const start = performance.now();
  const queue = [...plans];
  await Promise.all(
    Array.from({ length: packsAtOnce }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop())
        await client.blobs.putPack(next.url, next.bytes, never);
    }),
  );
  const put = performance.now() - start;
  const verifyStart = performance.now();
  for (const { pack } of packs) verifyPack(pack.bytes, nodeCodecs, pack.packId);
  const verify = performance.now() - verifyStart;
  return [
    ['packs into the endpoint, MB/s', total / put / 1_000],
    ['packs verified (decoded, hashed), MB/s on one thread', total / verify / 1_000],
  ];
}

export async function benchTransfer(): Promise<void> {
  await installNativeBlake3();
  const rows = await withStack(async ({ endpoints: { server } }) => {
    const client = await openClient(server, 'ann');
    const workspaceId = await client.createWorkspace('bench');
    return [...(await measureNegotiation(client, workspaceId)), ...(await measurePacks(client, workspaceId))];
  });
  printTable(
    'Content, over HTTP, disk + SQLite (medians of nine; packs of 8 MiB, four at a time)',
    rows.map(([row, value]) => ({ row, column: 'measured', text: figure(value) })),
  );
}

if (import.meta.main) {
  await benchTransfer();
  console.log(machineLine());
}
