/** The link is cut in the middle of a pack, again and again: what reached the server in blocks is not sent another time. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from '../e2e/tide-process.ts';
import { readStoredState } from '../e2e/stored-state.ts';
import { type World, onEachStorage, openSharedFolder } from '../e2e/world.ts';
import { proxyEnvironment, startFaultProxy } from './fault-proxy.ts';

const MiB = 1024 * 1024;
onEachStorage((open) => {
  let world: World;

  before(async () => {
    world = await open();
  });
  after(() => world.close());

  test('an upload over a link that breaks sends each block once', { timeout: 120_000 }, async () => {
    const [a, b] = await openSharedFolder(world, 'staged');
    const packBytes = 8 * MiB;
    writeNoise(join(a.folder, 'noise.bin'), packBytes, 7);
    const blobPort = Number(new URL(world.stack.endpoints.blobs).port);
    // The whole PUT gets this far, then two connections of blocks, each ending in the middle of one.
    const cuts = [3 * MiB, 3.5 * MiB, 2.4 * MiB];
    let connections = 0;
    const proxy = await startFaultProxy((port) => {
      const cut = port === blobPort ? cuts[connections++] : undefined;
      return cut === undefined ? { kind: 'none', after: 0 } : { kind: 'cut-up', after: cut };
    });
    const { code } = await runTide(a, ['sync', a.folder], proxyEnvironment(proxy));
    proxy.close();
    assert.equal(code, exitCodes.ok);
    assert.equal(proxy.harmed(), cuts.length, 'every cut was made');
    // What the proxy took: the broken PUT, each block once, what was under way of two blocks, and its own buffers.
    const sent = proxy.sentTo(blobPort);
    assert.ok(sent >= cuts[0]! + packBytes, `${sent} bytes are less than the pack`);
    assert.ok(sent < cuts[0]! + packBytes + 2 * MiB + 0.5 * MiB, `${sent} bytes were sent for a pack of ${packBytes}`);
    await b.sync();
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    const { blobs } = await readStoredState(world);
    const left = blobs.filter((name) => /^(chunks|staging|\.blocks|quarantine)\//.test(name));
    assert.equal(left.length, 1, left.join());
    assert.match(left[0]!, /^chunks\//);
  });
});
