/** Reading a content without a folder: any part of it, to the byte, by no more than its chunks, and nothing that is not proved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createTransferBuffers } from '../../../client/agent/transfer/buffers.ts';
import { type ContentSetting, readContent } from '../../../client/agent/transfer/content-reader.ts';
import { createTransferCount } from '../../../client/agent/transfer/services.ts';
import { createInlineExecutor } from '../../../client/agent/workers/inline-executor.ts';
import { createTools } from '../../../client/agent/workers/tasks.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { concatBytes } from '../../../shared/core/bytes.ts';
import { type Digest, parseDigest, parseWorkspaceId } from '../../../shared/core/ids.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { createSimulated } from '../folder/simulated-device.ts';

const { signal } = new AbortController();

async function stored(bytes: Uint8Array) {
  const author = await createSimulated();
  author.write('file', bytes);
  await author.device.scan();
  await author.device.upload();
  const { server, known } = author.device;
  const content = known.at('file')!.content!;
  const setting: ContentSetting = {
    api: server.api,
    blobs: server.blobs,
    buffers: createTransferBuffers(),
    executor: createInlineExecutor(createTools(author.fs, nodeCodecs)),
    workspaceId: parseWorkspaceId('1'.repeat(32)),
    count: createTransferCount(),
  };
  return { server, setting, content, size: bytes.length };
}

async function read(
  setting: ContentSetting,
  content: { readonly content: Digest; readonly size: number },
  offset = 0,
  length = content.size,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readContent(setting, content, { offset, length }, signal)) pieces.push(piece.slice());
  return concatBytes(...pieces);
}

test('any part is what was stored, to the byte; what lies past the end is left out', async () => {
  const bytes = randomBytesOf('content', 12_000_000);
  const { setting, ...file } = await stored(bytes);
  assert.deepEqual(await read(setting, file), bytes);
  const place = fc.nat({ max: bytes.length + 10 });
  await fc.assert(
    fc.asyncProperty(place, fc.oneof(fc.nat({ max: 200_000 }), place), async (offset, length) => {
      assert.deepEqual(await read(setting, file, offset, length), bytes.subarray(offset, offset + length));
    }),
    { numRuns: 20 },
  );
});

test('empty files, files of one chunk, and files with the same chunk again and again', async () => {
  for (const bytes of [new Uint8Array(0), randomBytesOf('small', 10), new Uint8Array(3_000_000)]) {
    const { setting, ...file } = await stored(bytes);
    assert.deepEqual(await read(setting, file), bytes);
    assert.deepEqual(await read(setting, file, 5, 3), bytes.subarray(5, 8));
  }
});

test('a part costs its chunks, not the file', async () => {
  const { setting, server, ...file } = await stored(randomBytesOf('content', 12_000_000));
  server.gets.length = 0;
  await read(setting, file, 6_000_000, 1);
  const fetched = server.gets.reduce((sum, { from, to }) => sum + to - from, 0);
  assert.ok(fetched < 600_000, `${fetched} bytes for one`);
});

test('what came changed is refused, and all before it was right', async () => {
  const bytes = randomBytesOf('content', 12_000_000);
  const { setting, server, ...file } = await stored(bytes);
  let gets = 0;
  server.onGet = (range) => (++gets < 4 ? range : range.map((byte, i) => (i === range.length >> 1 ? byte ^ 1 : byte)));
  const pieces: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      for await (const piece of readContent(setting, file, { offset: 0, length: file.size }, signal))
        pieces.push(piece.slice());
    },
    { code: 'corrupt' },
  );
  const right = concatBytes(...pieces);
  assert.ok(right.length < bytes.length);
  assert.deepEqual(right, bytes.subarray(0, right.length));
});

test('a content of another size than the tree says, or of no manifest, is refused', async () => {
  const { setting, content, size } = await stored(randomBytesOf('content', 5_000_000));
  await assert.rejects(read(setting, { content, size: size - 1 }), { code: 'corrupt' });
  await assert.rejects(read(setting, { content: parseDigest('c'.repeat(64)), size }), { code: 'corrupt' });
});

test('whoever stops in the middle gives all memory back', async () => {
  const { setting, server, ...file } = await stored(randomBytesOf('content', 20_000_000));
  for (let i = 0; i < 5; i++) {
    for await (const piece of readContent(setting, file, { offset: 0, length: file.size }, signal)) {
      assert.ok(piece.length > 0);
      break;
    }
  }
  // With a buffer kept back each time, this would wait for ever.
  assert.equal((await read(setting, file)).length, file.size);
  assert.ok(server.downloadSessions > 5);
});
