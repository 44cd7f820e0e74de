import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '../../shared/core/bytes.ts';
import { digestBytes, parseDigestColumn, parseUserId } from '../../shared/core/ids.ts';
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
    await store.sessions.create(sessionOf(1, 2_000));
    const second = await reopen();
    assert.deepEqual(await second.workspaces.get(workspaceA), workspaceOf(workspaceA));
    assert.deepEqual(await second.journal.getHead(workspaceA), firstHead);
    assert.deepEqual(await second.devices.get(deviceOf(1).deviceId), deviceOf(1));
    assert.deepEqual(await second.sessions.get(workspaceA, sessionOf(1, 0).sessionId, 0), sessionOf(1, 2_000));
  });
}

export function recordStoresContract(make: MakeMetadataStore): void {
  workspaceTests(make);
  deviceTests(make);
  sessionTests(make);
  durabilityTests(make);
}
