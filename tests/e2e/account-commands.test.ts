/** Commands about people, devices and workspaces as wholes, over the real stack: what they print, and how they end. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { mustTide, tideHere } from './tide-in-process.ts';
import { runTide } from './tide-process.ts';
import { type World, openWorld } from './world.ts';

let world: World;
let ann: Device;
let bob: Device;

before(async () => {
  world = await openWorld({ TIDEMARK_QUOTA_FILES: '3' });
  const { server } = world.stack.endpoints;
  [ann, bob] = [world.device('ann'), world.device('bob')];
  await mustTide(ann.home, 'login', '--dev', '--server', server, '--user', 'ann');
  await mustTide(bob.home, 'login', '--dev', '--server', server, '--user', 'bob');
  await mustTide(ann.home, 'create', 'photos');
  await mustTide(ann.home, 'link', ann.folder, '--workspace', 'photos', '--device', 'laptop');
});
after(() => world.close());

test('whoami tells user, server, issuer, scopes and end of the token', async () => {
  const me = await mustTide<Record<string, unknown>>(ann.home, 'whoami');
  const issuer = new URL(world.stack.endpoints.issuer);
  assert.equal(me['userId'], `${issuer.hostname}|ann`);
  assert.deepEqual([me['user'], me['server'], me['checked']], ['ann', world.stack.endpoints.server, true]);
  assert.ok((me['scopes'] as string[]).includes('sync.write'));
  assert.ok(Date.parse(me['expires'] as string) > Date.now());
  const plain = await runTide(ann, ['whoami', '--offline']);
  assert.match(plain.stdout, /^user +ann$/m);
});

test('a workspace is shared by a bare name, shown, and taken back with --yes only', async () => {
  const { members } = await mustTide<{ members: unknown[] }>(ann.home, 'share', 'photos', 'bob', '--role', 'viewer');
  const bobsId = `${new URL(world.stack.endpoints.issuer).hostname}|bob`;
  assert.deepEqual(members.at(-1), { userId: bobsId, role: 'viewer' });
  const { workspaces } = await mustTide<{ workspaces: { role: string }[] }>(bob.home, 'list');
  assert.deepEqual(workspaces.map(({ role }) => role), ['viewer']); // prettier-ignore
  const changed = await mustTide<{ members: { role: string }[] }>(
    ann.home,
    'members',
    'set',
    'photos',
    bobsId,
    '--role',
    'owner',
  );
  assert.deepEqual(changed.members.map(({ role }) => role), ['owner', 'owner']); // prettier-ignore
  const again = await mustTide<{ members: { role: string }[] }>(ann.home, 'share', 'photos', 'bob');
  assert.deepEqual(again.members, changed.members, 'sharing again takes nobody a role');
  const listed = await tideHere(ann.home, 'members', 'photos');
  assert.match(listed.text, /owner +127\.0\.0\.1\|bob/);
  const unasked = await runTide(ann, ['members', 'remove', 'photos', 'bob', '--json']);
  assert.equal(unasked.code, exitCodes.halted);
  assert.match((JSON.parse(unasked.stdout) as { error: { message: string } }).error.message, /--yes/);
  const left = await mustTide<{ members: unknown[] }>(ann.home, 'members', 'remove', 'photos', 'bob', '--yes');
  assert.equal(left.members.length, 1);
  const nobody = await tideHere(ann.home, 'members', 'remove', 'photos', 'carl', '--yes');
  assert.deepEqual([nobody.code, nobody.error], [exitCodes.notFound, '127.0.0.1|carl is not in photos']);
});

test('who may only read gets what others change, whatever they changed themselves: that stays, and is listed', async () => {
  const writer = world.device('writer');
  await mustTide(writer.home, 'login', '--dev', '--server', world.stack.endpoints.server, '--user', 'carol');
  await mustTide(writer.home, 'create', 'read');
  await mustTide(writer.home, 'link', writer.folder, '--workspace', 'read', '--device', 'writer');
  writeFileSync(join(writer.folder, 'plan'), 'first');
  await mustTide(writer.home, 'sync', writer.folder);
  await mustTide(writer.home, 'share', 'read', 'bob', '--role', 'viewer');
  const reader = world.device('reader');
  await mustTide(bob.home, 'link', reader.folder, '--workspace', 'read', '--device', 'reader');
  await mustTide(bob.home, 'sync', reader.folder);
  writeFileSync(join(reader.folder, 'stray'), 'mine');
  writeFileSync(join(writer.folder, 'plan'), 'second');
  await mustTide(writer.home, 'sync', writer.folder);
  for (const run of ['at first', 'and again']) {
    const { code, data } = await tideHere<{ problems: { path: string; detail: string }[] }>(
      bob.home,
      'sync',
      reader.folder,
    );
    assert.equal(code, exitCodes.incomplete, run);
    assert.deepEqual(data.problems.map(({ path }) => path), ['stray'], run); // prettier-ignore
    assert.match(data.problems[0]!.detail, /role viewer/);
  }
  assert.equal(readFileSync(join(reader.folder, 'plan'), 'utf8'), 'second');
  assert.equal(readFileSync(join(reader.folder, 'stray'), 'utf8'), 'mine');
  rmSync(join(reader.folder, 'stray'));
  await mustTide(bob.home, 'sync', reader.folder);
});

test('an unknown role is a mistake of the command line, told with the roles that there are', async () => {
  const { code, error } = await tideHere(ann.home, 'share', 'photos', 'bob', '--role', 'editr');
  assert.equal(code, exitCodes.usage);
  assert.match(error, /owner, editor, viewer/);
  assert.match((await tideHere(ann.home, 'share', 'photos', ' ')).error, /say who/);
});

test('usage tells what a workspace holds and may hold', async () => {
  const usage = await mustTide<Record<string, unknown>>(ann.home, 'usage', 'photos');
  assert.deepEqual([usage['name'], usage['filesMax'], usage['bytesMax']], ['photos', 3, null]);
  assert.match((await tideHere(ann.home, 'usage', 'photos')).text, /of 3 \(0\.0 %\)|not counted yet/);
});

test('without a name, commands take the workspace of the folder they are in, and say so where there is none', async () => {
  const inside = await runTide(ann, ['usage', '--json'], {}, ann.folder);
  assert.equal((JSON.parse(inside.stdout) as { name: string }).name, 'photos');
  const outside = await runTide(ann, ['usage'], {}, world.base);
  assert.equal(outside.code, exitCodes.notFound);
  assert.match(outside.stderr, /--workspace NAME/);
});

test('a workspace is renamed, deleted when that is meant, listed as deleted, and brought back', async () => {
  await mustTide(ann.home, 'rename', 'photos', 'pictures');
  assert.equal((await tideHere(ann.home, 'delete', 'photos', '--yes')).code, exitCodes.notFound);
  assert.equal((await tideHere(ann.home, 'delete', 'pictures', '--no-input')).code, exitCodes.halted);
  assert.equal((await mustTide<{ workspaces: unknown[] }>(ann.home, 'list')).workspaces.length, 1);
  const gone = await mustTide<{ deleted: string; purgedAfter: string }>(ann.home, 'delete', 'pictures', '--yes');
  assert.equal(Date.parse(gone.purgedAfter) - Date.parse(gone.deleted), 30 * 24 * 3_600_000);
  assert.deepEqual((await mustTide<{ workspaces: unknown[] }>(ann.home, 'list')).workspaces, []);
  const { deleted } = await mustTide<{ deleted: { name: string }[] }>(ann.home, 'undelete');
  assert.deepEqual(deleted.map(({ name }) => name), ['pictures']); // prettier-ignore
  assert.equal((await tideHere(ann.home, 'undelete', 'photos')).code, exitCodes.notFound);
  assert.equal((await mustTide<{ name: string }>(ann.home, 'undelete', 'pictures')).name, 'pictures');
});

test('a device is revoked by its name, stays in the full list, and its folder says what happened', async () => {
  const { devices } = await mustTide<{ devices: { name: string }[] }>(ann.home, 'devices');
  assert.deepEqual(devices.map(({ name }) => name), ['laptop']); // prettier-ignore
  assert.equal((await tideHere(ann.home, 'devices', 'revoke', 'laptop')).code, exitCodes.halted);
  const revoked = await mustTide<{ revoked: string | null }>(ann.home, 'devices', 'revoke', 'laptop', '--yes');
  assert.notEqual(revoked.revoked, null);
  assert.deepEqual((await mustTide<{ devices: unknown[] }>(ann.home, 'devices')).devices, []);
  assert.equal((await mustTide<{ devices: unknown[] }>(ann.home, 'devices', 'list', '--all')).devices.length, 1);
  assert.match((await tideHere(ann.home, 'sync', ann.folder)).error, /revoked/);
  assert.match((await tideHere(ann.home, 'devices', 'revoke', 'phone')).error, /you have no device "phone"/);
});

test('logout forgets the tokens and ends the refresh token, which is worth nothing any more', async () => {
  const file = join(bob.home, 'credentials.json');
  const before = JSON.parse(readFileSync(file, 'utf8')) as {
    servers: Record<string, { refreshToken: string; clientId: string }>;
  };
  const { refreshToken, clientId } = before.servers[world.stack.endpoints.server]!;
  const { loggedOut } = await mustTide<{ loggedOut: { user: string; revoked: boolean }[] }>(bob.home, 'logout');
  assert.deepEqual(loggedOut.map(({ user, revoked }) => [user, revoked]), [['bob', true]]); // prettier-ignore
  assert.ok(existsSync(file) && !readFileSync(file, 'utf8').includes(refreshToken));
  const { token_endpoint: endpoint } = (await (
    await fetch(`${world.stack.endpoints.issuer}/.well-known/openid-configuration`)
  ).json()) as { token_endpoint: string };
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId });
  const refused = await fetch(endpoint, { method: 'POST', body });
  assert.match(await refused.text(), /invalid_grant/);
  assert.equal((await tideHere(bob.home, 'list')).code, exitCodes.notLoggedIn);
  assert.equal((await tideHere(bob.home, 'logout')).code, exitCodes.notLoggedIn);
  assert.deepEqual(await mustTide(bob.home, 'logout', '--all'), { loggedOut: [] });
});
