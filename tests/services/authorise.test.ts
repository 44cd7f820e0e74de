import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { parseWorkspaceId } from '../../shared/core/ids.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-read.ts';
import { firstChain } from '../../shared/core/wire/journal-entry.ts';
import type { WorkspaceRole } from '../../shared/core/wire/workspace.ts';
import type { Scope } from '../../shared/ports/token-verifier.ts';
import { type Access, authorise } from '../../shared/services/authorise.ts';
import { createTestWorld, userOf } from '../api/world/test-world.ts';

const { deps } = createTestWorld();
const workspaceId = parseWorkspaceId('7'.repeat(32));
await deps.metadata.workspaces.create(
  {
    workspaceId,
    name: 'Team',
    mode: 'personal',
    policy: 'copy',
    region: 'here',
    createdMs: 0,
    members: [
      { userId: userOf('ann'), role: 'owner' },
      { userId: userOf('bob'), role: 'editor' },
      { userId: userOf('reader'), role: 'viewer' },
    ],
    version: 1,
    deletedMs: null,
    quota: { filesMax: null, bytesMax: null },
    sha256: false,
  },
  { seq: 0, root: emptyMapRoot, chain: firstChain(workspaceId), timeMs: 0, tally: { files: 0, bytes: 0 } },
);

const everything: readonly Scope[] = ['sync.read', 'sync.write', 'sync.admin'];

async function ask(person: 'ann' | 'bob' | 'reader' | 'eve', access: Access, scopes = everything, id = workspaceId) {
  try {
    return (await authorise(deps, { userId: userOf(person), scopes: new Set(scopes) }, id, access)).role;
  } catch (error) {
    assert.ok(isTidemarkError(error));
    return `${error.code}: ${error.message}`;
  }
}

describe('a role', () => {
  const table: readonly (readonly [person: 'ann' | 'bob' | 'reader', role: WorkspaceRole, may: readonly Access[]])[] = [
    ['ann', 'owner', ['read', 'write', 'admin']],
    ['bob', 'editor', ['read', 'write']],
    ['reader', 'viewer', ['read']],
  ];
  for (const [person, role, may] of table) {
    it(`of ${role} allows ${may.join(', ')} and no more`, async () => {
      for (const access of ['read', 'write', 'admin'] as const) {
        const expected = may.includes(access) ? role : `forbidden: the role ${role} does not allow this`;
        assert.equal(await ask(person, access), expected);
      }
    });
  }

  it('counts only with the scope for it', async () => {
    assert.match(await ask('ann', 'write', ['sync.read', 'sync.admin']), /^forbidden: .*sync\.write/);
    assert.match(await ask('ann', 'read', []), /^forbidden/);
    assert.match(await ask('ann', 'admin', ['sync.read', 'sync.admin']), /^forbidden: .*sync\.write/);
    assert.equal(await ask('ann', 'admin', ['sync.write']), 'owner', 'sync.admin is for operators');
    assert.equal(await ask('ann', 'read', ['sync.read']), 'owner');
  });
});

describe('somebody else', () => {
  it('gets the very same answer for a workspace that is there and one that is not', async () => {
    const absent = parseWorkspaceId('8'.repeat(32));
    for (const access of ['read', 'write', 'admin'] as const) {
      const answer = await ask('eve', access);
      assert.match(answer, /^not-found/);
      assert.equal(await ask('eve', access, everything, absent), answer);
    }
  });
});
