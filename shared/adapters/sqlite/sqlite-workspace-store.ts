import type { DatabaseSync } from 'node:sqlite';
import { type UserId, type WorkspaceId, bytesToWorkspaceId, idToBytes, parseUserId } from '../../core/ids.ts';
import { conflictPolicy, workspaceMode, workspaceRole } from '../../core/wire/workspace.ts';
import type { WorkspaceRecord, WorkspaceStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';
import { type Row, bytesOf, integerOf, textOf } from './row.ts';

export function createSqliteWorkspaceStore(database: DatabaseSync): WorkspaceStore {
  const insertWorkspace = database.prepare(
    'INSERT OR IGNORE INTO workspaces (workspace, name, mode, policy, region, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const insertMember = database.prepare('INSERT INTO members (workspace, position, user, role) VALUES (?, ?, ?, ?)');
  const insertHead = database.prepare('INSERT INTO heads (workspace, seq, root, chain) VALUES (?, ?, ?, ?)');
  const selectWorkspace = database.prepare('SELECT * FROM workspaces WHERE workspace = ?');
  const selectMembers = database.prepare('SELECT user, role FROM members WHERE workspace = ? ORDER BY position');
  const selectOfMember = database.prepare(
    `SELECT * FROM workspaces WHERE workspace IN (SELECT workspace FROM members WHERE user = ?)
     ORDER BY created_ms, workspace`,
  );

  function rowToWorkspace(row: Row): WorkspaceRecord {
    const id = bytesOf(row, 'workspace');
    const members = selectMembers.all(id).map((member) => ({
      userId: parseUserId(textOf(member, 'user')),
      role: workspaceRole.fromJson(textOf(member, 'role'), 'role'),
    }));
    return {
      workspaceId: bytesToWorkspaceId(id),
      name: textOf(row, 'name'),
      mode: workspaceMode.fromJson(textOf(row, 'mode'), 'mode'),
      policy: conflictPolicy.fromJson(textOf(row, 'policy'), 'policy'),
      region: textOf(row, 'region'),
      createdMs: integerOf(row, 'created_ms'),
      members,
    };
  }

  function find(workspaceId: WorkspaceId): WorkspaceRecord | undefined {
    const row = selectWorkspace.get(idToBytes(workspaceId));
    return row && rowToWorkspace(row);
  }

  return {
    create: (workspace, head) =>
      attempt(() =>
        transact(database, 'IMMEDIATE', () => {
          const id = idToBytes(workspace.workspaceId);
          const { name, mode, policy, region, createdMs } = workspace;
          if (insertWorkspace.run(id, name, mode, policy, region, createdMs).changes === 1) {
            for (const [i, member] of workspace.members.entries()) insertMember.run(id, i, member.userId, member.role);
            insertHead.run(id, head.seq, idToBytes(head.root), idToBytes(head.chain));
          }
          return find(workspace.workspaceId) ?? workspace;
        }),
      ),
    get: (workspaceId) => attempt(() => transact(database, 'DEFERRED', () => find(workspaceId))),
    listOfMember: (userId: UserId) =>
      attempt(() => transact(database, 'DEFERRED', () => selectOfMember.all(userId).map(rowToWorkspace))),
  };
}
