/** Devices follow a restore as they follow anything: nothing is sent again, moves move, and what came since goes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesToRequestId } from '../../../shared/core/ids.ts';
import type { RestoreRequest, RestoreResponse } from '../../../shared/core/wire/restore.ts';
import { restore } from '../../../shared/services/restore.ts';
import { idBytesOf } from '../../api/world/test-device.ts';
import { people, userOf } from '../../api/world/test-world.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

const caller = { userId: userOf('ann'), scopes: new Set(people.ann) };
let requests = 0;

/** What the web console or another program asks for, under a device of the user's. */
function ask({ world, device }: EngineDevice, request: Partial<RestoreRequest>): Promise<RestoreResponse> {
  const { workspaceId } = world;
  const nothing = { seq: null, timeMs: null, nodeId: null, path: null };
  const requestId = bytesToRequestId(idBytesOf(`restore ${requests++}`));
  const whole = { ...nothing, deviceId: device.deviceId, ...request };
  return restore(world.server.deps, { caller, workspaceId, requestId, request: whole });
}

const big = (fill: string) => fill.repeat(200_000);

describe('after a restore', () => {
  it('of a folder devices converge, and big files that moved cost nothing', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.mkdir('docs');
    a!.folder.mkdir('docs/sub');
    a!.folder.write('docs/sub/film', big('f'));
    a!.folder.write('docs/report', 'one');
    a!.folder.write('other', 'untouched');
    const before = await settle(a!, b!);
    const { seq } = a!.journal.meta.head;
    a!.folder.move('docs/sub/film', 'film');
    a!.folder.write('docs/report', 'two');
    a!.folder.write('docs/new', 'came since');
    a!.folder.move('docs/sub', 'docs/renamed');
    await settle(a!, b!);
    a!.folder.write('other', 'changed since, and not restored');
    await settle(a!, b!);
    const sent = a!.count.bytesSent + b!.count.bytesSent;
    const answer = await ask(a!, { seq, path: 'docs' });
    assert.deepEqual([answer.restored, answer.moved, answer.deleted, answer.refused], [1, 2, 1, 0]);
    const report = await b!.sync();
    assert.equal(report.applied, 4, 'two moves, an edit and a delete');
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, { ...before, other: 'changed since, and not restored' });
    assert.equal(a!.count.bytesSent + b!.count.bytesSent, sent, 'no content was sent');
  });

  it('of everything an edit made meanwhile on an offline device is kept beside it', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('report', 'one');
    a!.folder.write('gone', 'back again');
    await settle(a!, b!);
    const { seq } = a!.journal.meta.head;
    a!.folder.write('report', 'two');
    a!.folder.remove('gone');
    await settle(a!, b!);
    b!.folder.write('report', 'edited on the way');
    await ask(a!, { seq });
    const tree = await settle(a!, b!);
    assert.deepEqual(Object.values(tree).sort(), ['back again', 'edited on the way', 'one']);
    assert.equal(tree['report'], 'one');
    assert.equal(tree['gone'], 'back again');
  });

  it('of a file that was deleted and edited on an offline device, both contents are there', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    for (const text of ['one', 'two', 'three']) {
      a!.folder.write('report', text);
      await settle(a!, b!);
    }
    a!.folder.remove('report');
    await a!.sync();
    await ask(a!, { seq: 1 });
    b!.folder.write('report', 'edited by who saw the third version only');
    const tree = await settle(a!, b!);
    assert.deepEqual(Object.values(tree).sort(), ['edited by who saw the third version only', 'one']);
    assert.equal(tree['report'], 'one', 'nobody who had not seen it come back has replaced it');
  });
});
