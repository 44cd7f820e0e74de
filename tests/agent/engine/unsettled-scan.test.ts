/** A scan under which files were moved about proves nothing, and is repeated at once; not for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Folder } from '../../../client/agent/ports.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

/** The next `times` scans of the device see movement, and call nothing missing. Returns how many scans there were. */
function unsettle(device: EngineDevice, times: number): () => number {
  let scans = 0;
  const scan = device.folder.scan.bind(device.folder);
  const moving: Folder['scan'] = async (...given) => {
    const report = await scan(...given);
    if (++scans > times) return report;
    const problems = [{ path: '', code: 'busy', detail: 'files were moved about in it while it was scanned' }] as const;
    return { ...report, missing: [], isSettled: false, problems };
  };
  Object.assign(device.folder, { scan: moving });
  return () => scans;
}

describe('a scan under which files were moved about', () => {
  it('is repeated, with nothing to plan in between, and then the deletion is told', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('stays', 'one');
    a!.folder.write('goes', 'two');
    await settle(a!, b!);
    a!.folder.remove('goes');
    const scans = unsettle(a!, 1);
    const report = await a!.sync();
    assert.deepEqual([report.operations, report.upToDate, scans()], [1, true, 2]);
    await b!.sync();
    assert.deepEqual(b!.tree(), { stays: 'one' });
  });

  it('ends the sync after a few times, which says that it is not up to date', async () => {
    const world = await EngineWorld.create();
    const [a] = await world.devices('laptop');
    a!.folder.write('goes', 'two');
    await a!.sync();
    a!.folder.remove('goes');
    const scans = unsettle(a!, 1_000);
    const report = await a!.sync();
    assert.deepEqual([report.operations, report.upToDate, scans()], [0, false, 3]);
  });
});
