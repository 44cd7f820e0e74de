/** What goes over the wire: no more than is new, nothing unverified, and no file that changed meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, columnDigestAt, parseDigestColumn } from '../../../shared/core/ids.ts';
import type { ApplyAction } from '../../../client/agent/ports.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { type Simulated, createSimulated, root } from '../folder/simulated-device.ts';

async function createAuthor(files: Readonly<Record<string, string | Uint8Array>>): Promise<Simulated> {
  const author = await createSimulated();
  for (const [path, content] of Object.entries(files)) author.write(path, content);
  await author.device.scan();
  return author;
}

function writeAction(author: Simulated, source: string, path = source): ApplyAction & { kind: 'write-file' } {
  const { nodeId, content, stat } = author.device.known.at(source)!;
  return { kind: 'write-file', nodeId, path, content: content!, size: stat.size, mode: 0, mtimeMs: 0, expected: null };
}

test('small files share packs, and equal content is sent once', async () => {
  const author = await createSimulated();
  for (let i = 0; i < 500; i++) author.write(`f${i}`, `file ${i % 250}`);
  await author.device.scan();
  await author.device.upload();
  assert.equal(author.device.server.puts.length, 1);
  assert.equal(author.device.server.chunks.size, 250);
  await author.device.upload();
  assert.equal(author.device.server.puts.length, 1);
});

test('a file that changed since the scan is given up whole, and what others have of it is sent from them', async () => {
  const shared = randomBytesOf('shared', 300_000);
  const author = await createAuthor({ a: shared, b: shared, c: 'fine' });
  const content = author.device.known.at('c')!.content!;
  author.write('a', 'changed');
  const first = await author.device.upload();
  assert.deepEqual([...first.changed], [], 'b still has the content');
  author.write('c', 'gone');
  author.device.server.chunks.clear();
  author.device.server.packs.clear();
  const second = await author.device.upload();
  assert.deepEqual([...second.changed], [content]);
  const reader = await createSimulated({}, author.device.server);
  const [result] = await reader.device.apply([writeAction(author, 'b')]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/b`), shared);
});

test('a pack whose URL expired is planned anew; one that never gets through is an error', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 5_000_000) });
  const { server } = author.device;
  let refusals = 2;
  server.onPut = () => {
    if (refusals-- > 0) throw new TidemarkError('forbidden', 'the URL has expired');
  };
  await author.device.upload();
  assert.equal(server.uploadSessions, 2);
  const other = await createAuthor({ a: 'one' });
  other.device.server.onPut = () => {
    throw new TidemarkError('forbidden', 'the URL has expired');
  };
  await assert.rejects(other.device.upload(), (error) => isTidemarkError(error, 'unavailable'));
});

test('a download whose URL expired goes on with a new one; one that is always refused is an error that may pass', async () => {
  const content = randomBytesOf('content', 3_000_000);
  const author = await createAuthor({ a: content });
  await author.device.upload();
  const { server } = author.device;
  const reader = await createSimulated({}, server);
  let refusals = 1;
  server.onGet = (bytes) => {
    if (refusals-- > 0) throw new TidemarkError('forbidden', 'the URL has expired');
    return bytes;
  };
  const [result] = await reader.device.apply([writeAction(author, 'a')]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/a`), content);
  refusals = Infinity;
  const other = await createSimulated({}, server);
  await assert.rejects(other.device.apply([writeAction(author, 'a')]), (error) =>
    isTidemarkError(error, 'unavailable'),
  );
});

function lostConnection(): TidemarkError {
  return new TidemarkError('unavailable', 'the connection was lost');
}

test('a pack whose PUT breaks off goes in blocks; what is staged is never sent again', async () => {
  const content = randomBytesOf('a', 6_000_000);
  const author = await createAuthor({ a: content });
  const { server } = author.device;
  server.onPut = () => {
    throw lostConnection();
  };
  // Each pack loses its URL once in the middle, and one the answer to its list.
  let blocks = 0;
  const refused: Digest[] = [];
  server.onBlock = (hash) => {
    if (++blocks % 3 !== 0) return;
    refused.push(hash);
    throw new TidemarkError('forbidden', 'the URL has expired');
  };
  let lists = 0;
  server.onList = (when) => {
    if (when === 'before' && ++lists === 1) throw new TidemarkError('forbidden', 'the URL has expired');
  };
  await author.device.upload();
  assert.equal(server.uploadSessions, 1);
  assert.ok(refused.length >= 2, 'the test has broken something');
  assert.equal(new Set(server.blocks).size, server.blocks.length, 'no block was sent twice');
  assert.equal(
    author.device.transfer.count.bytesSent,
    [...server.packs.values()].reduce((sum, p) => sum + p.length, 0),
  );
  server.onPut = () => undefined;
  const reader = await createSimulated({}, server);
  const [result] = await reader.device.apply([writeAction(author, 'a')]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/a`), content);
});

test('a pack that arrived though its answer did not is not sent again', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 2_000_000) });
  const { server } = author.device;
  const { blobs } = author.device.transfer;
  const plain = { ...blobs };
  blobs.putPack = async (...args) => {
    await plain.putPack(...args);
    throw lostConnection();
  };
  await author.device.upload();
  assert.deepEqual(server.blocks, []);
  assert.ok(server.packs.size > 0);
});

test('a list of blocks whose answer was lost is found to be done', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 2_000_000) });
  const { server } = author.device;
  server.onPut = () => {
    throw lostConnection();
  };
  const { blobs } = author.device.transfer;
  const plain = { ...blobs };
  // The first try arrives, its answer is lost, and the repeat finds no such blocks any more.
  blobs.commitBlocks = async (...args) => {
    await plain.commitBlocks(...args);
    return plain.commitBlocks(...args);
  };
  await author.device.upload();
  assert.equal(new Set(server.blocks).size, server.blocks.length);
  assert.equal(server.packs.size, server.puts.length);
});

test('a storage that takes blocks and does not keep them is an error that may pass, after a few rounds', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 2_000_000) });
  const { server } = author.device;
  server.onPut = () => {
    throw new TidemarkError('unavailable', 'the connection broke');
  };
  server.onList = (when) => {
    if (server.blocks.length > 20) throw new TidemarkError('internal', 'blocks are sent again and again');
    if (when === 'before') server.staged.clear();
  };
  await assert.rejects(author.device.upload(), (error) => isTidemarkError(error, 'unavailable'));
});

test('a storage that refuses every block is an error that may pass; a forgotten session is planned anew', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 2_000_000) });
  const { server } = author.device;
  server.onPut = () => {
    throw lostConnection();
  };
  server.onBlock = () => {
    throw new TidemarkError('forbidden', 'the URL has expired');
  };
  await assert.rejects(author.device.upload(), (error) => isTidemarkError(error, 'unavailable'));
  let blocks = 0;
  let isForgotten = false;
  server.onBlock = () => {
    if (++blocks !== 2) return;
    server.sessions.clear();
    isForgotten = true;
    throw new TidemarkError('forbidden', 'the URL has expired');
  };
  server.onPut = () => {
    if (!isForgotten) throw lostConnection();
  };
  const before = server.uploadSessions;
  await author.device.upload();
  assert.equal(server.uploadSessions, before + 2);
  assert.equal(server.staged.size, 1, 'what the forgotten session staged is left to the sweep');
});

test('a plan that is not what its chunks make is refused', async () => {
  const author = await createAuthor({ a: 'one', b: 'two' });
  const { api } = author.device.server;
  const open = api.openUploadSession.bind(api);
  Object.assign(api, {
    openUploadSession: async (request: Parameters<typeof open>[0]) => {
      const plan = await open(request);
      return { ...plan, packs: plan.packs.map((pack) => ({ ...pack, packId: author.device.known.at('a')!.content! })) };
    },
  });
  await assert.rejects(author.device.upload(), (error) => isTidemarkError(error, 'malformed'));
  assert.equal(author.device.server.puts.length, 0);
});

test('one byte in 32 MiB: a few chunks are sent and fetched, the rest is on the disk', async () => {
  const before = randomBytesOf('large', 32 * 1024 * 1024);
  const author = await createAuthor({ a: before });
  const { server } = author.device;
  await author.device.upload();
  const reader = await createSimulated({}, server);
  const first = writeAction(author, 'a');
  reader.device.adopt(await reader.device.apply([first]), author.device.known);
  const after = new Uint8Array(before.length + 1);
  after.set(before.subarray(0, 20_000_000));
  after.set(before.subarray(20_000_000), 20_000_001);
  author.write('a', after);
  await author.device.scan();
  const sentBefore = author.device.transfer.count.bytesSent;
  await author.device.upload();
  assert.ok(author.device.transfer.count.bytesSent - sentBefore < 1_000_000);
  const receivedBefore = reader.device.transfer.count.bytesReceived;
  const expected = reader.device.known.at('a')!.stat;
  const [result] = await reader.device.apply([{ ...writeAction(author, 'a'), expected }]);
  assert.ok(result!.done);
  assert.ok(reader.device.transfer.count.bytesReceived - receivedBefore < 1_000_000);
  assert.deepEqual(reader.fs.readFile(`${root}/a`), after);
});

test('a local chunk that is not there any more is fetched', async () => {
  const content = randomBytesOf('content', 1_000_000);
  const author = await createAuthor({ a: content });
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  reader.device.adopt(await reader.device.apply([writeAction(author, 'a')]), author.device.known);
  reader.write('a', randomBytesOf('another', 1_000_000));
  const [result] = await reader.device.apply([writeAction(author, 'a', 'b')]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/b`), content);
});

test('a copy or a rename of what is here costs no request', async () => {
  const author = await createAuthor({ a: randomBytesOf('content', 1_000_000) });
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  reader.device.adopt(await reader.device.apply([writeAction(author, 'a')]), author.device.known);
  const { requests } = reader.device.transfer.count;
  const results = await reader.device.apply([writeAction(author, 'a', 'b'), writeAction(author, 'a', 'c')]);
  assert.ok(results.every(({ done }) => done));
  assert.equal(reader.device.transfer.count.requests, requests);
});

test('L18: a file larger than a window is put together right from parts', async () => {
  const large = randomBytesOf('large', 90_000_000);
  const author = await createAuthor({ a: large, b: large.subarray(20_000_000, 60_000_000) });
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  const results = await reader.device.apply([writeAction(author, 'a'), writeAction(author, 'b')]);
  assert.ok(results.every(({ done }) => done));
  assert.ok(Buffer.from(large).equals(reader.fs.readFile(`${root}/a`)));
  assert.ok(Buffer.from(large.subarray(20_000_000, 60_000_000)).equals(reader.fs.readFile(`${root}/b`)));
});

test('L26: bytes that are not what was asked for never reach a path', async () => {
  const author = await createAuthor({ a: randomBytesOf('incompressible', 100_000), b: 'fine' });
  const { server } = author.device;
  await author.device.upload();
  server.onGet = (bytes) => bytes.map((byte, i) => (i === 5_000 ? byte ^ 1 : byte));
  const reader = await createSimulated({}, server);
  const [a] = await reader.device.apply([writeAction(author, 'a')]);
  assert.ok(!a!.done && a!.problem.code === 'unreadable');
  assert.equal(reader.fs.lstat(`${root}/a`), undefined);
  assert.deepEqual(reader.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('L29: lengths that a server made up are refused before anything is allocated', async () => {
  const author = await createAuthor({ a: 'some text' });
  const { server } = author.device;
  await author.device.upload();
  const honest = server.api.openDownloadSession.bind(server.api);
  const lies = [
    { frameRaw: [2 ** 40] },
    { frameStored: [2 ** 40] },
    { frameStored: [0] },
    { frameOffset: [2 ** 50] },
    { offset: [1] },
    { length: [1_000] },
    { pack: [7] },
    { codec: [] },
  ];
  for (const lie of lies) {
    Object.assign(server.api, {
      openDownloadSession: async (request: Parameters<typeof honest>[0]) => ({ ...(await honest(request)), ...lie }),
    });
    const reader = await createSimulated({}, server);
    await assert.rejects(reader.device.apply([writeAction(author, 'a')]), (error) =>
      isTidemarkError(error, 'malformed'),
    );
    assert.equal(server.gets.length, 0, JSON.stringify(lie));
  }
});

test('content that the server does not have is a problem of its file alone', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 5_000_000), b: 'fine' });
  await author.device.upload();
  author.device.server.manifests.clear();
  const reader = await createSimulated({}, author.device.server);
  const results = await reader.device.apply([writeAction(author, 'a'), writeAction(author, 'b')]);
  assert.deepEqual(
    results.map(({ done }) => done),
    [false, true],
  );
});

test('a chunk that the server lost is a problem of the files that need it', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 3_000_000), b: 'fine', c: randomBytesOf('c', 3_000_000) });
  const { server, known } = author.device;
  await author.device.upload();
  const { hashes } = known.chunksOf(known.at('a')!.content!)!;
  server.chunks.delete(columnDigestAt(parseDigestColumn(hashes), 7));
  const reader = await createSimulated({}, server);
  const results = await reader.device.apply(['a', 'b', 'c'].map((name) => writeAction(author, name)));
  assert.deepEqual(
    results.map(({ done }) => done),
    [false, true, true],
  );
  assert.deepEqual(reader.fs.readFile(`${root}/c`), randomBytesOf('c', 3_000_000));
  assert.deepEqual(reader.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('a wrong size, or an empty file of another name, becomes no file', async () => {
  const author = await createAuthor({ a: randomBytesOf('a', 500_000), empty: '' });
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  const a = writeAction(author, 'a');
  const [short] = await reader.device.apply([{ ...a, size: 499_999 }]);
  assert.ok(!short!.done && short!.problem.code === 'unreadable');
  const [none] = await reader.device.apply([{ ...a, size: 0 }]);
  assert.ok(!none!.done);
  assert.equal(reader.fs.lstat(`${root}/a`), undefined);
  const [empty] = await reader.device.apply([writeAction(author, 'empty')]);
  assert.ok(empty!.done);
});
