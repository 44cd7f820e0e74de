/** What is on this disk already is not fetched, whatever file it is in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplyAction } from '../../../client/agent/ports.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { type Simulated, createSimulated, root } from '../folder/simulated-device.ts';

function writeAction(author: Simulated, path: string): ApplyAction & { kind: 'write-file' } {
  const { nodeId, content, stat } = author.device.known.at(path)!;
  return { kind: 'write-file', nodeId, path, content: content!, size: stat.size, mode: 0, mtimeMs: 0, expected: null };
}

/** A reader that has the author's file `original`, and that author. */
async function createPair(content: Uint8Array): Promise<{ author: Simulated; reader: Simulated }> {
  const author = await createSimulated();
  author.write('original', content);
  await author.device.scan();
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  reader.device.adopt(await reader.device.apply([writeAction(author, 'original')]), author.device.known);
  return { author, reader };
}

/** The author writes a file, and the reader gets it. Bytes received for it. */
async function receive(author: Simulated, reader: Simulated, path: string, content: Uint8Array): Promise<number> {
  author.write(path, content);
  await author.device.scan();
  await author.device.upload();
  const before = reader.device.transfer.count.bytesReceived;
  const [result] = await reader.device.apply([writeAction(author, path)]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/${path}`), content);
  return reader.device.transfer.count.bytesReceived - before;
}

const size = 4_000_000;
const original = randomBytesOf('original', size);

test('a copy of a file that is here is not fetched', async () => {
  const { author, reader } = await createPair(original);
  assert.equal(await receive(author, reader, 'copy', original), 0);
});

test('of a new file that shares half of its content with another one, the other half is fetched', async () => {
  const { author, reader } = await createPair(original);
  const half = new Uint8Array(size);
  half.set(original.subarray(0, size / 2));
  half.set(randomBytesOf('new', size / 2), size / 2);
  const received = await receive(author, reader, 'half', half);
  assert.ok(received > size / 2 - 300_000 && received < size / 2 + 400_000, `${received}`);
});

test('a changed copy under another name takes all but the change from the file that it was copied from', async () => {
  const { author, reader } = await createPair(original);
  const changed = new Uint8Array(size + 1);
  changed.set(original.subarray(0, 1_000_000));
  changed.set(original.subarray(1_000_000), 1_000_001);
  assert.ok((await receive(author, reader, 'changed copy', changed)) < 600_000);
});

test('a part of a file, and two files joined, are put together from what is here', async () => {
  const { author, reader } = await createPair(original);
  assert.ok((await receive(author, reader, 'tail', original.slice(1_500_000))) < 600_000);
  const joined = new Uint8Array(2 * size);
  joined.set(original);
  joined.set(original, size);
  assert.ok((await receive(author, reader, 'joined', joined)) < 600_000);
});

test('chunks are found in files that moved since, and a file that is another one by now is not believed', async () => {
  const { author, reader } = await createPair(original);
  reader.move('original', 'elsewhere');
  await reader.device.scan();
  const changed = original.slice();
  changed[2_000_000]! ^= 1;
  assert.ok((await receive(author, reader, 'changed', changed)) < 600_000);
  reader.write('elsewhere', randomBytesOf('another', size));
  reader.remove('changed');
  const again = original.slice();
  again[3_000_000]! ^= 1;
  assert.ok((await receive(author, reader, 'again', again)) > size / 2);
});
