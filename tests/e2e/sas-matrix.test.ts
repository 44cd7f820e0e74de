/**
 * Signed URLs, of every route that issues any, against everything else that can be tried with them: it is refused, tells nothing, and no
 * blob is touched. The use that a URL is for works, once where it creates, until it expires.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { routes } from '../../shared/api/api.ts';
import { limits } from '../../shared/core/limits.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { verifyStagedPack } from '../../shared/services/verify-staged-pack.ts';
import { type Attempt, attemptsWith, intended } from './sas/attempts.ts';
import {
  type MakeBackend,
  type SasWorld,
  type UrlKind,
  azurite,
  createSasWorld,
  disk,
  secretText,
} from './sas/blob-worlds.ts';

const kinds: readonly UrlKind[] = ['create', 'status', 'staged', 'read'];

async function send({ url, init }: Attempt): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  return { status: response.status, body: await response.text() };
}

test('these are the routes that issue URLs', () => {
  const issuing = routes.filter(({ response }) => response !== null && /\burl:/.test(response.form));
  assert.deepEqual(
    issuing.map(({ method, path }) => `${method} ${path}`),
    [
      'POST /upload/session',
      'GET /upload/session/{session}',
      'POST /download/session',
      // Its URL opens a WebSocket and no blob: tests/local/web-pubsub/tokens.test.ts and tests/e2e/realtime.test.ts try it.
      'POST /realtime/negotiate',
    ],
  );
});

/** What goes through although no use of ours needs it: each touches nothing but the one blob that its URL is for. */
const taken: Readonly<Record<'disk' | 'azurite', Readonly<Record<UrlKind, readonly string[]>>>> = {
  disk: { create: [], status: [], staged: [], read: ['HEAD '] },
  // The permission to create is one for all types of blobs, whole ones in `staging` too; and what a reader of a blob may read of it is
  // more than its bytes.
  azurite: {
    create: ['PUT append blob', 'PUT page blob'],
    status: ['PUT append blob', 'PUT page blob'],
    staged: ['PUT blob', 'PUT append blob', 'PUT page blob'],
    read: ['HEAD ', 'GET &comp=blocklist&blocklisttype=all', 'GET &comp=metadata'],
  },
};

/** Undoes what an attempt has done to the blob that the URL may bring about. */
async function undo({ store, target }: SasWorld, kind: UrlKind): Promise<void> {
  const [container, ...name] = target[kind]?.split('/') ?? [];
  if (container !== undefined) await store.deleteMany(container as 'chunks' | 'staging', [name.join('/')]);
}

async function tryAll(world: SasWorld, kind: UrlKind): Promise<{ readonly tried: number; readonly through: string[] }> {
  const before = await world.snapshot(world.target[kind]);
  const through: string[] = [];
  const attempts = attemptsWith(kind, world);
  for (const attempt of attempts) {
    const { status, body } = await send(attempt);
    assert.ok(!body.includes(`${secretText} of bob`), attempt.name);
    if (kind !== 'read') assert.ok(!body.includes(secretText), attempt.name);
    assert.equal(await world.snapshot(world.target[kind]), before, attempt.name);
    if (status < 400) {
      through.push(attempt.name);
      await undo(world, kind);
    }
  }
  return { tried: attempts.length, through };
}

async function use(kind: UrlKind, url: string): Promise<number[]> {
  const statuses: number[] = [];
  for (const attempt of intended(kind, url)) statuses.push((await send(attempt)).status);
  return statuses;
}

const works = { create: [201], status: [201], staged: [201, 201], read: [200] };

for (const [name, make] of Object.entries({ disk, azurite } satisfies Record<string, MakeBackend>)) {
  describe(`signed URLs of ${name}`, () => {
    for (const kind of kinds) {
      test(`L30: ${kind}: are good for nothing but what they are for`, async (t) => {
        const world = await createSasWorld(t, make);
        const { tried, through } = await tryAll(world, kind);
        assert.deepEqual(through, taken[name as 'disk' | 'azurite'][kind]);
        assert.ok(tried > 60, `${tried}`);
        t.diagnostic(`${tried} attempts`);
        const before = await world.snapshot(world.target[kind]);
        assert.deepEqual(
          await use(kind, world.urls[kind]),
          works[kind],
          'after all of it the URL still does what it is for',
        );
        assert.equal(await world.snapshot(world.target[kind]), before);
      });

      test(`L30: ${kind}: twice, and after their time`, async (t) => {
        const world = await createSasWorld(t, make);
        assert.deepEqual(await use(kind, world.urls[kind]), works[kind]);
        const whole = await world.snapshot(null);
        const again = await use(kind, world.urls[kind]);
        if (kind === 'create' || kind === 'status')
          assert.ok(again.every((status) => status === 403 || status === 409));
        if (kind !== 'staged') assert.equal(await world.snapshot(null), whole);
        world.clock.ms -= (limits.uploadUrlSeconds + 3_600) * 1_000;
        const old = await world.issue(true);
        world.clock.ms += (limits.uploadUrlSeconds + 3_600) * 1_000;
        const settled = await world.snapshot(null);
        assert.ok((await use(kind, old[kind])).every((status) => status === 403));
        assert.equal(await world.snapshot(null), settled);
      });
    }
  });
}

for (const type of ['AppendBlob', 'PageBlob']) {
  const headers = { 'x-ms-blob-type': type, ...(type === 'PageBlob' ? { 'x-ms-blob-content-length': '512' } : {}) };

  test(`a blob of the type ${type} under the name of a pack goes to quarantine, and the name is free`, async (t) => {
    const world = await createSasWorld(t, azurite);
    assert.equal((await fetch(world.urls.create, { method: 'PUT', headers })).status, 201);
    assert.equal(await verifyPack({ ...world.deps, log: silentLog }, world.pack), 'rejected');
    assert.deepEqual(await use('create', world.urls.create), [201]);
  });

  test(`a staged blob of the type ${type} is none, and its session can still be asked for`, async (t) => {
    const world = await createSasWorld(t, azurite);
    const name = world.target.staged!.slice('staging/'.length);
    assert.equal((await fetch(world.urls.staged, { method: 'PUT', headers })).status, 201);
    assert.equal((await world.store.staged(name))?.committed, undefined);
    assert.match((await world.issue()).staged, /staging/);
    assert.equal(await verifyStagedPack(world.deps, { ...world.pack, sessionId: world.sessionId }), 'missing');
  });
}
