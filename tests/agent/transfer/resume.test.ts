/** A download that was broken off goes on from what it had written, and believes nothing of it that it has not hashed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { ApplyAction, ApplyResult } from '../../../client/agent/ports.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { Device } from '../folder/device.ts';
import { type Simulated, createSimulated, root } from '../folder/simulated-device.ts';

const size = 30_000_000;
const content = randomBytesOf('large', size);
/** What is fetched of it before the line breaks: two windows of 8 MiB are written by then. */
const fetchedBefore = 24_000_000;
const temps = `${root}/.tidemark/tmp`;

function writeAction(author: Simulated): ApplyAction & { kind: 'write-file' } {
  const { nodeId, content, stat } = author.device.known.at('large')!;
  return {
    kind: 'write-file',
    nodeId,
    path: 'large',
    content: content!,
    size: stat.size,
    mode: 0,
    mtimeMs: 0,
    expected: null,
  };
}

async function createAuthor(): Promise<Simulated> {
  const user = await createSimulated();
  user.write('large', content);
  await user.device.scan();
  await user.device.upload();
  return user;
}

/** One for all tests: they only read what it sent. */
let author: Simulated | undefined;

async function createPair(tick?: () => number) {
  author ??= await createAuthor();
  const { server } = author.device;
  const reader = await createSimulated(tick === undefined ? {} : { tick }, server);
  return { action: writeAction(author), server, reader };
}

type Pair = Awaited<ReturnType<typeof createPair>>;

/** Breaks the download off: with an error of the network, or so that the agent never hears again, as when it is killed. */
async function breakOff(
  { reader, server, action }: Pair,
  how: 'cut' | 'killed',
  fetched = fetchedBefore,
): Promise<void> {
  const { count } = reader.device.transfer;
  const before = count.bytesReceived;
  let killed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (killed = resolve));
  const { blobs } = server;
  const getRange = blobs.getRange.bind(blobs);
  blobs.getRange = async (...request) => {
    if (count.bytesReceived - before < fetched) return getRange(...request);
    if (how === 'cut') throw new TidemarkError('unavailable', 'the line is cut');
    killed();
    return new Promise<never>(() => undefined);
  };
  const applied = reader.device.apply([action]);
  if (how === 'cut') await assert.rejects(applied, /cut/);
  else await gone;
  blobs.getRange = getRange;
}

/** The agent after a restart, on the same disk. */
async function restart({ reader, server }: Pair): Promise<Device> {
  const device = new Device(reader.fs, root, { server });
  await device.open();
  return device;
}

/** Bytes received until the file is there. */
async function finish({ reader, action }: Pair, device: Device): Promise<number> {
  const before = device.transfer.count.bytesReceived;
  const [result]: readonly ApplyResult[] = await device.apply([action]);
  assert.ok(result!.done);
  assert.deepEqual(reader.fs.readFile(`${root}/large`), content);
  assert.deepEqual(reader.fs.list(temps).names, [], 'nothing is left of the attempts');
  return device.transfer.count.bytesReceived - before;
}

test('after a cut line the same agent fetches only the rest', async () => {
  const pair = await createPair();
  await breakOff(pair, 'cut');
  const received = await finish(pair, pair.reader.device);
  assert.ok(received < size - 15_000_000, `${received}`);
});

test('a killed download is gone on with after a restart, however often', async () => {
  const pair = await createPair();
  await breakOff(pair, 'killed');
  const second = await restart(pair);
  await breakOff({ ...pair, reader: { ...pair.reader, device: second } }, 'cut', 2_000_000);
  const received = await finish(pair, await restart(pair));
  assert.ok(received < size - 15_000_000, `${received}`);
});

test('a partial that is torn, empty or of something else costs no more than it lacks, and what is under way', async () => {
  const harms: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    torn: (bytes) => {
      const torn = bytes.slice();
      torn.fill(0, 5_000_000, 6_000_000);
      return torn;
    },
    empty: () => new Uint8Array(0),
    'other and longer': () => randomBytesOf('other', size + 10_000_000),
  };
  for (const [name, harm] of Object.entries(harms)) {
    const pair = await createPair();
    await breakOff(pair, 'cut');
    const [partial] = pair.reader.fs.list(temps).names;
    pair.reader.fs.writeFile(`${temps}/${partial!}`, harm(pair.reader.fs.readFile(`${temps}/${partial!}`)));
    const received = await finish(pair, await restart(pair));
    // What was fetched for the window that held it, and for the one after, is fetched again.
    const again = 16_777_216;
    assert.ok(received < (name === 'torn' ? size - 15_000_000 : size) + again, `${name}: ${received}`);
  }
});

test('partials go when they are a week old', async () => {
  const week = 7 * 24 * 60 * 60 * 1000;
  let time = 1_000_000;
  const pair = await createPair(() => ++time);
  await breakOff(pair, 'cut');
  const partials = (): number => pair.reader.fs.list(temps).names.length;
  time += week - 60_000;
  await restart(pair);
  assert.equal(partials(), 1);
  time += 120_000;
  await restart(pair);
  assert.equal(partials(), 0);
});

test('partials make room: at the start when the disk is full, and for a download that would not fit beside them', async () => {
  const pair = await createPair();
  await breakOff(pair, 'cut');
  const { fs } = pair.reader;
  const freeBytes = fs.freeBytes.bind(fs);
  const partials = (): number => fs.list(temps).names.length;
  fs.freeBytes = () => size - 1_000_000 + (partials() === 0 ? 20_000_000 : 0);
  await restart(pair);
  assert.equal(partials(), 1);
  assert.ok((await finish(pair, await restart(pair))) >= size);
  fs.removeFile(`${root}/large`);
  fs.freeBytes = freeBytes;
  await breakOff(pair, 'cut');
  fs.isFull = true;
  await restart(pair);
  assert.equal(partials(), 0);
});
