/** Every step of every use case can be the last one of a process (crash-points/enumerate.ts). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { must } from '../api/world/calls.ts';
import { putOperation } from '../api/world/test-device.ts';
import { commitCases } from './crash-points/commits.ts';
import { crashCase } from './crash-points/enumerate.ts';
import { recordCases } from './crash-points/records.ts';
import { on, seqsOf, start } from './crash-points/start.ts';
import { transferCases } from './crash-points/transfer.ts';
import { unsettledCases } from './crash-points/unsettled.ts';

describe('a crash at any step of', () => {
  for (const crashes of [...transferCases, ...commitCases, ...recordCases, ...unsettledCases]) {
    it(`${crashes.name} is made good by its repeat`, async (t) => {
      const { crashes: count, hit } = await crashes.enumerate();
      assert.ok(count > 0);
      t.diagnostic(`${count} crashes at ${[...hit].join(', ')}`);
    });
  }
});

describe('the enumeration notices', () => {
  const steps = ['objects.putObjects', 'signer.sign', 'journal.append'];

  /** A client that repeats its request as a new one. */
  const forgetful = (named: readonly string[]) =>
    crashCase({
      name: 'a repeat under another key',
      steps: named,
      sameAnswer: false,
      prepare: async () => {
        const { world, ann, workspaceId } = await start();
        let keys = 0;
        return {
          world,
          workspaces: [workspaceId],
          run: (process) => {
            const name = `try ${keys++}`;
            return must(on(process, ann).send(ann.request([putOperation({ node: name, name, text: '' })]), name));
          },
          check: async () => assert.deepEqual(await seqsOf(world, workspaceId), [1, 2]),
        };
      },
    });

  it('what took effect although its answer was lost, when it is done twice', async () => {
    await assert.rejects(forgetful(steps).enumerate(), /died after call \d+, journal\.append/);
  });

  it('a step that nobody has named, and a name that is no step', async () => {
    const unnamed = /the steps that change something/;
    await assert.rejects(forgetful(steps.slice(1)).enumerate(), unnamed);
    await assert.rejects(forgetful([...steps, 'blobs.put']).enumerate(), unnamed);
  });
});
