import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '../../shared/core/bytes.ts';
import { digestBytes, parseDigestColumn, parseUserId, parseWorkspaceId } from '../../shared/core/ids.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import {
  ann,
  bob,
  deviceOf,
  digestOf,
  firstHead,
  sessionOf,
  workspaceA,
  workspaceB,
  workspaceOf,
} from './metadata-records.ts';

function workspaceTests(make: MakeMetadataStore): void {
  test('creating a workspace creates its head with it; creating it again changes neither', async (t) => {
    const { store } = await make(t);
    assert.equal(await store.workspaces.get(workspaceA), undefined);
    assert.equal(await store.journal.getHead(workspaceA), undefined);
    const workspace = workspaceOf(workspaceA);
    assert.deepEqual(await store.workspaces.create(workspace, firstHead), workspace);
    assert.deepEqual(await store.workspaces.get(workspaceA), workspace);
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
    const other = workspaceOf(workspaceA, { name: 'Other', mode: 'shared', members: [] });
    assert.deepEqual(await store.workspaces.create(other, { ...firstHead, root: digestOf('x') }), workspace);
    assert.deepEqual(await store.workspaces.get(workspaceA), workspace);
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
  });

  test('of racing creations all get the one workspace', async (t) => {
    const { store } = await make(t);
    const created = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => store.workspaces.create(workspaceOf(workspaceA, { name }), firstHead)),
    );
    const winner = await store.workspaces.get(workspaceA);
    for (const workspace of created) assert.deepEqual(workspace, winner);
  });

  test('a member sees their workspaces by creation time, others see none', async (t) => {
    const { store } = await make(t);
    const onlyBob = [{ userId: bob, role: 'editor' as const }];
    const late = workspaceOf(workspaceA, { createdMs: 3_000 });
    const early = workspaceOf(workspaceB, { createdMs: 2_000, members: onlyBob, mode: 'shared', policy: 'merge' });
    await store.workspaces.create(late, firstHead);
    await store.workspaces.create(early, firstHead);
    assert.deepEqual(await store.workspaces.listOfMember(bob), [early, late]);
    assert.deepEqual(await store.workspaces.listOfMember(ann), [late]);
    assert.deepEqual(await store.workspaces.listOfMember(parseUserId('login.example|an')), []);
  });
}

function replaceTests(make: MakeMetadataStore): void {
  test('a workspace comes back with its quota, its deletion and its wish for SHA-256', async (t) => {
    const { store } = await make(t);
    const full = workspaceOf(workspaceA, {
      quota: { filesMax: 0, bytesMax: 9_000_000_000_000_000 },
      deletedMs: 0,
      sha256: true,
      version: 7,
    });
    assert.deepEqual(await store.workspaces.create(full, firstHead), full);
    assert.deepEqual(await store.workspaces.get(workspaceA), full);
    assert.deepEqual(await store.workspaces.listOfMember(ann), [full]);
  });

  test('replace takes the next version only, and then replaces everything, members included', async (t) => {
    const { store } = await make(t);
    const first = workspaceOf(workspaceA);
    const second = workspaceOf(workspaceA, {
      name: 'Renamed',
      mode: 'shared',
      policy: 'latest',
      region: 'elsewhere',
      members: [{ userId: ann, role: 'owner' }],
      version: 2,
      deletedMs: 5_000,
      quota: { filesMax: 10, bytesMax: null },
      sha256: true,
    });
    assert.equal(await store.workspaces.replace(second), 'changed');
    assert.equal(await store.workspaces.get(workspaceA), undefined);
    await store.workspaces.create(first, firstHead);
    for (const version of [0, 1, 3]) {
      assert.equal(await store.workspaces.replace({ ...second, version }), 'changed');
      assert.deepEqual(await store.workspaces.get(workspaceA), first);
    }
    assert.equal(await store.workspaces.replace(second), 'replaced');
    assert.equal(await store.workspaces.replace(second), 'changed');
    assert.deepEqual(await store.workspaces.get(workspaceA), second);
    assert.deepEqual(await store.workspaces.listOfMember(bob), []);
    assert.deepEqual(await store.workspaces.listOfMember(ann), [second]);
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
    const third = { ...first, version: 3 };
    assert.equal(await store.workspaces.replace(third), 'replaced');
    assert.deepEqual(await store.workspaces.listOfMember(bob), [third]);
  });

  test('of racing replacements exactly one replaces', async (t) => {
    const { store } = await make(t);
    await store.workspaces.create(workspaceOf(workspaceA), firstHead);
    const candidates = [1, 2, 3, 4, 5].map((n) => {
      const members = [{ userId: parseUserId(`login.example|${n}`), role: 'owner' as const }];
      return workspaceOf(workspaceA, { name: `name ${n}`, members, version: 2 });
    });
    const results = await Promise.all(candidates.map((candidate) => store.workspaces.replace(candidate)));
    assert.equal(results.filter((result) => result === 'replaced').length, 1);
    const winner = candidates[results.indexOf('replaced')]!;
    assert.deepEqual(await store.workspaces.get(workspaceA), winner);
    for (const candidate of candidates) {
      const listed = await store.workspaces.listOfMember(candidate.members[0]!.userId);
      assert.deepEqual(listed, candidate === winner ? [winner] : []);
    }
  });

  test('listAll pages through all workspaces by id, deleted ones too', async (t) => {
    const { store } = await make(t);
    assert.deepEqual(await store.workspaces.listAll(null, 10), []);
    const ids = [3, 1, 255, 2, 16].map((n) => parseWorkspaceId(n.toString(16).padStart(32, '0')));
    for (const [i, id] of ids.entries()) {
      await store.workspaces.create(workspaceOf(id, { deletedMs: i % 2 === 0 ? null : 9_000 }), firstHead);
    }
    const sorted = [...ids].sort();
    assert.deepEqual(
      (await store.workspaces.listAll(null, 10)).map(({ workspaceId }) => workspaceId),
      sorted,
    );
    const first = await store.workspaces.listAll(null, 2);
    const rest = await store.workspaces.listAll(first[1]!.workspaceId, 10);
    assert.deepEqual(
      [...first, ...rest].map(({ workspaceId }) => workspaceId),
      sorted,
    );
    assert.equal(first.length, 2);
    assert.deepEqual(await store.workspaces.listAll(sorted.at(-1)!, 10), []);
    const deleted = [...first, ...rest].filter(({ deletedMs }) => deletedMs === 9_000);
    assert.deepEqual(
      deleted.map(({ workspaceId }) => workspaceId),
      [ids[1], ids[3]],
    );
  });
}

function deviceTests(make: MakeMetadataStore): void {
  test('registering a device again returns the first registration, unchanged', async (t) => {
    const { store } = await make(t);
    const device = deviceOf(1);
    assert.equal(await store.devices.get(device.deviceId), undefined);
    assert.deepEqual(await store.devices.register(device), device);
    assert.deepEqual(await store.devices.register({ ...device, name: 'stolen', userId: bob }), device);
    assert.deepEqual(await store.devices.get(device.deviceId), device);
    assert.equal(await store.devices.get(deviceOf(2).deviceId), undefined);
  });
}

function revocationTests(make: MakeMetadataStore): void {
  test("a user's devices are listed by creation time, revoked ones too, and no one else's", async (t) => {
    const { store } = await make(t);
    assert.deepEqual(await store.devices.listOfUser(ann), []);
    const [late, early, other] = [{ ...deviceOf(1), createdMs: 50 }, deviceOf(2), { ...deviceOf(3), userId: bob }];
    for (const device of [late, early, other]) await store.devices.register(device);
    await store.devices.revoke(early.deviceId, 60);
    assert.deepEqual(await store.devices.listOfUser(ann), [{ ...early, revokedMs: 60 }, late]);
    assert.deepEqual(await store.devices.listOfUser(bob), [other]);
  });

  test('a device is revoked once and for ever: a repeat keeps the first time, registering again does not undo it', async (t) => {
    const { store } = await make(t);
    const device = deviceOf(1);
    assert.equal(await store.devices.revoke(device.deviceId, 10), undefined);
    assert.equal(await store.devices.get(device.deviceId), undefined);
    await store.devices.register(device);
    const revoked = { ...device, revokedMs: 10 };
    assert.deepEqual(await store.devices.revoke(device.deviceId, 10), revoked);
    assert.deepEqual(await store.devices.revoke(device.deviceId, 99), revoked);
    assert.deepEqual(await store.devices.register(device), revoked);
    assert.deepEqual(await store.devices.get(device.deviceId), revoked);
  });

  test('of racing revocations all tell one time', async (t) => {
    const { store } = await make(t);
    await store.devices.register(deviceOf(1));
    const told = await Promise.all([1, 2, 3, 4].map((ms) => store.devices.revoke(deviceOf(1).deviceId, ms)));
    const standing = await store.devices.get(deviceOf(1).deviceId);
    for (const device of told) assert.deepEqual(device, standing);
  });
}

function sessionTests(make: MakeMetadataStore): void {
  test('a session is there until it expires, and in its own workspace only', async (t) => {
    const { store } = await make(t);
    const session = sessionOf(1, 2_000);
    assert.equal(await store.sessions.get(workspaceA, session.sessionId, 0), undefined);
    await store.sessions.create(session);
    assert.deepEqual(await store.sessions.get(workspaceA, session.sessionId, 1_999), session);
    assert.equal(await store.sessions.get(workspaceA, session.sessionId, 2_000), undefined);
    assert.equal(await store.sessions.get(workspaceB, session.sessionId, 1_000), undefined);
  });

  test('the sweep forgets what expired before, and counts it', async (t) => {
    const { store } = await make(t);
    for (const n of [1, 2, 3]) await store.sessions.create(sessionOf(n, n * 1_000));
    assert.equal(await store.sessions.sweep(1_000), 0);
    assert.equal(await store.sessions.sweep(2_500), 2);
    assert.equal(await store.sessions.sweep(2_500), 0);
    assert.equal(await store.sessions.get(workspaceA, sessionOf(1, 0).sessionId, 0), undefined);
    assert.deepEqual(await store.sessions.get(workspaceA, sessionOf(3, 0).sessionId, 0), sessionOf(3, 3_000));
  });

  test('a session of no packs, or of very many, comes back as it was', async (t) => {
    const { store } = await make(t);
    for (const [n, packs] of [0, 16_384].entries()) {
      const column = parseDigestColumn(new Uint8Array(packs * digestBytes).fill(9));
      await store.sessions.create({ ...sessionOf(n, 2_000), packs: column });
      const found = await store.sessions.get(workspaceA, sessionOf(n, 0).sessionId, 0);
      assert.ok(found && equalBytes(found.packs, column));
    }
  });
}

function durabilityTests(make: MakeMetadataStore): void {
  test('a second instance sees workspaces, devices and sessions', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    await store.workspaces.create(workspaceOf(workspaceA), firstHead);
    await store.devices.register(deviceOf(1));
    await store.devices.revoke(deviceOf(1).deviceId, 77);
    const renamed = workspaceOf(workspaceA, { name: 'Renamed', version: 2 });
    await store.workspaces.replace(renamed);
    await store.sessions.create(sessionOf(1, 2_000));
    const second = await reopen();
    assert.deepEqual(await second.workspaces.get(workspaceA), renamed);
    assert.deepEqual(await second.journal.getHead(workspaceA), firstHead);
    assert.deepEqual(await second.devices.get(deviceOf(1).deviceId), { ...deviceOf(1), revokedMs: 77 });
    assert.deepEqual(await second.sessions.get(workspaceA, sessionOf(1, 0).sessionId, 0), sessionOf(1, 2_000));
  });
}

export function recordStoresContract(make: MakeMetadataStore): void {
  workspaceTests(make);
  replaceTests(make);
  deviceTests(make);
  revocationTests(make);
  sessionTests(make);
  durabilityTests(make);
}
