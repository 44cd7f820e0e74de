/** A pack that cannot be read when the change feed tells of it, and the queue that tells of it again. */
import assert from 'node:assert/strict';
import { settleUnsettled } from '../../../shared/services/feed/settle-unsettled.ts';
import { decodeUnsettledMessage } from '../../../shared/services/feed/unsettled-message.ts';
import { packBlobName } from '../../../shared/services/pack-name.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { tailChangeFeed } from '../../../shared/services/tail-change-feed.ts';
import type { TestWorld } from '../../api/world/test-world.ts';
import { type CrashCase, crashCase } from './enumerate.ts';
import { packOf, start } from './start.ts';

/** The stores of a process that cannot read this pack. */
function withoutPack(deps: TestWorld['deps'], packId: string): TestWorld['deps'] {
  const blobs = new Proxy(deps.blobs, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown =>
        property === 'open' && String(args[1]).includes(packId)
          ? Promise.reject(new Error('EIO'))
          : Reflect.apply(value, target, args);
    },
  });
  return { ...deps, blobs };
}

/** Of a pack that can be read, and one that cannot until the run is over. */
const passed = crashCase({
  name: 'a step of the change feed that passes a pack',
  steps: ['leases.acquire', 'leases.save', 'leases.release', 'chunks.record', 'queue.send'],
  sameAnswer: false,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const [told, stuck] = [packOf('told'), packOf('stuck')];
    for (const { packId, bytes } of [told, stuck]) {
      await world.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
    }
    let runs = 0;
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => {
        world.clock.ms += 10_000;
        const input = { owner: `worker ${runs++}`, deadlineMs: world.clock.ms + 1_000 };
        return tailChangeFeed(withoutPack(deps, stuck.packId), input);
      },
      after: async () => {
        assert.equal(await getPackRecord(world.deps, workspaceId, stuck.packId), undefined);
        for (const message of await world.deps.queue.receive('unsettled', 32, 30)) {
          await settleUnsettled(world.deps, decodeUnsettledMessage(message.body));
          await world.deps.queue.remove('unsettled', message);
        }
      },
      check: async () => {
        for (const { packId } of [told, stuck]) assert.ok(await getPackRecord(world.deps, workspaceId, packId));
        const leases = await world.deps.metadata.leases.list('change-feed/');
        for (const { cursor, name } of leases) assert.notEqual(cursor, null, name);
      },
    };
  },
});

const settle = crashCase({
  name: 'settling a pack that the change feed passed',
  steps: ['chunks.record'],
  sameAnswer: false,
  prepare: async () => {
    const { world, workspaceId } = await start();
    const { packId, bytes } = packOf('passed');
    await world.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
    return {
      world,
      workspaces: [workspaceId],
      run: ({ deps }) => settleUnsettled(deps, { workspaceId, packId }),
      check: async () => assert.ok(await getPackRecord(world.deps, workspaceId, packId)),
    };
  },
});

export const unsettledCases: readonly CrashCase[] = [passed, settle];
