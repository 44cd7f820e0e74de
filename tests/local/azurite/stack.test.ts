/** The local stack with its blobs, queues and change feed in Azurite: the same service over the adapters of production. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { spawnStack } from '../../../local/spawn-stack.ts';
import { settingsOfStorage } from '../../../local/stack-storage.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';
import { openClient } from '../stack-client.ts';
import { StackProcess } from '../stack-process.ts';

const patience = { timeout: 120_000 };
const admin = path.join(import.meta.dirname, '../../../local/admin/main.ts');

test(
  'what was committed is there after kill -9 of the API and a start, and operators find it sound',
  patience,
  async (t) => {
    const data = path.join(await createTemporaryFolder(t), 'data');
    const first = await spawnStack({ data, azurite: true });
    t.after(() => first.kill());
    const { server, port } = first.endpoints;
    const ann = await openClient(server, 'ann');
    const workspaceId = await ann.createWorkspace('photos');
    const content = new Uint8Array(randomBytes(200_000));
    await ann.putFile(workspaceId, 'a', content);
    assert.deepEqual(await ann.readChunk(workspaceId, blake3Digest(content)), content);

    const again = await ann.openPack(workspaceId, new Uint8Array(randomBytes(1_000)));
    const signal = new AbortController().signal;
    assert.equal(await ann.blobs.putPack(again.url, again.bytes, signal), 'created');
    assert.equal(await ann.blobs.putPack(again.url, again.bytes, signal), 'exists');

    await first.kill();
    const second = await spawnStack({ data, port, azurite: true });
    t.after(() => second.stop());
    const later = await openClient(second.endpoints.server, 'ann');
    assert.deepEqual(await later.readChunk(workspaceId, blake3Digest(content)), content);

    const { status, stdout, stderr } = spawnSync(process.execPath, [admin, 'fsck', '--deep', '--data', data], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /sound/);
  },
);

test('a data folder keeps its blobs one way for good', patience, async (t) => {
  const data = path.join(await createTemporaryFolder(t), 'data');
  const stack = await spawnStack({ data, azurite: true });
  await stack.stop();
  const other = await new StackProcess(['--data', data, '--port', '0']).ended;
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^Tidemark could not start: .* keeps its blobs in Azurite: add --azurite/);
  assert.throws(
    () => settingsOfStorage(data),
    (error) => isTidemarkError(error, 'unavailable'),
  );

  const files = path.join(await createTemporaryFolder(t), 'data');
  const disk = await spawnStack({ data: files });
  await disk.stop();
  const emulated = await new StackProcess(['--data', files, '--port', '0', '--azurite']).ended;
  assert.match(emulated.stderr, /keeps its blobs in files: leave out --azurite/);
  assert.deepEqual(settingsOfStorage(files), {});
});

test('Azurite is for this machine only', patience, async (t) => {
  const data = path.join(await createTemporaryFolder(t), 'data');
  const { code, stderr } = await new StackProcess(['--data', data, '--port', '0', '--azurite', '--host', '0.0.0.0'])
    .ended;
  assert.equal(code, 1);
  assert.match(stderr, /Azurite serves this machine only/);
});
