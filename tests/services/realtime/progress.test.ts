import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import type { SessionId, WorkspaceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Connection } from '../../../shared/services/realtime/connection.ts';
import { type ReportOutcome, reportProgress } from '../../../shared/services/realtime/report.ts';
import { must } from '../../api/world/calls.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice } from '../../api/world/test-device.ts';
import { userOf } from '../../api/world/test-world.ts';
import { type Scene, letIn, setScene } from './scene.ts';

function tell(
  { world, ws }: Scene,
  connection: Connection,
  sessionId: SessionId,
  workspaceId: WorkspaceId = ws,
): Promise<ReportOutcome> {
  return reportProgress(world.deps, { connection, data: { workspaceId, sessionId, percent: 40 } });
}

async function sessionOf(device: TestDevice): Promise<SessionId> {
  return (await must(device.openSession([utf8(`of ${device.person}`)]))).sessionId;
}

describe('progress', () => {
  it('of an upload of a seat of the connection is announced to its workspace', async () => {
    const scene = await setScene();
    const { told, ann, ws, world } = scene;
    const connection = await letIn(world, 'ann', 'c', ann);
    const sessionId = await sessionOf(ann);
    assert.equal(await tell(scene, connection, sessionId), 'taken');
    assert.deepEqual(told.events, [
      { kind: 'progress', workspaceId: ws, deviceId: ann.deviceId, sessionId, percent: 40 },
    ]);
    const data = JSON.stringify({ workspaceId: ws, sessionId, percent: 101 });
    assert.equal(await reportProgress(world.deps, { connection, data }), 'malformed');
  });

  it('of sessions of others, of other devices, of other workspaces, and of none is not', async () => {
    const scene = await setScene();
    const { told, ann, bob, eve, ws, world } = scene;
    const tablet = await TestDevice.register(world, 'ann', ws, 'tablet');
    const connection = await letIn(world, 'ann', 'c', ann);
    const eves = await sessionOf(eve);
    const anns = await sessionOf(ann);
    for (const id of [await sessionOf(bob), eves, await sessionOf(tablet), '5'.repeat(32) as SessionId]) {
      assert.equal(await tell(scene, connection, id), 'foreign');
    }
    assert.equal(await tell(scene, connection, eves, eve.workspaceId), 'foreign');
    assert.equal(await tell(scene, connection, anns, eve.workspaceId), 'foreign');
    world.clock.ms += limits.sessionSeconds * 1_000 + 1;
    assert.equal(await tell(scene, connection, anns), 'foreign', 'expired');
    assert.deepEqual(told, { events: [], expelled: [] });
  });

  it('of who is no member any more ends the connection', async () => {
    const scene = await setScene();
    const { told, bob, ws, world } = scene;
    const connection = await letIn(world, 'bob', 'c', bob);
    const sessionId = await sessionOf(bob);
    await clientOf(world, 'ann').removeMember(ws, userOf('bob'), null);
    told.expelled.length = 0;
    assert.equal(await tell(scene, connection, sessionId), 'expelled');
    assert.deepEqual(told, { events: [], expelled: ['connection c'] });
  });
});
