import type { DatabaseSync } from 'node:sqlite';
import { type UserId, type WorkspaceId, bytesToWorkspaceId, idToBytes, parseUserId } from '../../core/ids.ts';
import { conflictPolicy, workspaceMode, workspaceRole } from '../../core/wire/workspace.ts';
import type { WorkspaceRecord, WorkspaceStore } from '../../ports/metadata-store.ts';
import { attempt, transact } from './database.ts';
import { headColumns, headToValues } from './head-row.ts';
import { type Row, bytesOf, integerOf, nullable, textOf } from './row.ts';

/** Everything but the id, in the order of `workspaceToValues`. */
const columns = 'name, mode, policy, region, created_ms, version, deleted_ms, files_max, bytes_max, sha256';

function workspaceToValues(workspace: WorkspaceRecord) {
  const { name, mode, policy, region, createdMs, version, deletedMs, quota, sha256 } = workspace;
  const { filesMax, bytesMax } = quota;
  return [name, mode, policy, region, createdMs, version, deletedMs, filesMax, bytesMax, sha256 ? 1 : 0] as const;
}

export function createSqliteWorkspaceStore(database: DatabaseSync): WorkspaceStore {
  const insertWorkspace = database.prepare(
    `INSERT OR IGNORE INTO workspaces (${columns}, workspace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateWorkspace = database.prepare(
    `UPDATE workspaces SET (${columns}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE workspace = ? AND version = ?`,
  );
  const removeMembers = database.prepare('DELETE FROM members WHERE workspace = ?');
  const insertMember = database.prepare('INSERT INTO members (workspace, position, user, role) VALUES (?, ?, ?, ?)');
  const insertHead = database.prepare(`INSERT INTO heads (${headColumns}, workspace) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const selectWorkspace = database.prepare('SELECT * FROM workspaces WHERE workspace = ?');
  const selectMembers = database.prepare('SELECT user, role FROM members WHERE workspace = ? ORDER BY position');
  const selectOfMember = database.prepare(
    `SELECT * FROM workspaces WHERE workspace IN (SELECT workspace FROM members WHERE user = ?)
     ORDER BY created_ms, workspace`,
  );
  const selectAll = database.prepare('SELECT * FROM workspaces WHERE workspace > ? ORDER BY workspace LIMIT ?');

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
      version: integerOf(row, 'version'),
      deletedMs: nullable(row, 'deleted_ms', integerOf),
      quota: { filesMax: nullable(row, 'files_max', integerOf), bytesMax: nullable(row, 'bytes_max', integerOf) },
      sha256: integerOf(row, 'sha256') === 1,
    };
  }

  function find(workspaceId: WorkspaceId): WorkspaceRecord | undefined {
    const row = selectWorkspace.get(idToBytes(workspaceId));
    return row && rowToWorkspace(row);
  }

  function addMembers(id: Uint8Array, workspace: WorkspaceRecord): void {
    for (const [i, { userId, role }] of workspace.members.entries()) insertMember.run(id, i, userId, role);
  }

  return {
    create: (workspace, head) =>
      attempt(() =>
        transact(database, 'IMMEDIATE', () => {
          const id = idToBytes(workspace.workspaceId);
          if (insertWorkspace.run(...workspaceToValues(workspace), id).changes === 1) {
            addMembers(id, workspace);
            insertHead.run(...headToValues(head), id);
          }
          return find(workspace.workspaceId) ?? workspace;
        }),
      ),
    get: (workspaceId) => attempt(() => transact(database, 'DEFERRED', () => find(workspaceId))),
    listOfMember: (userId: UserId) =>
      attempt(() => transact(database, 'DEFERRED', () => selectOfMember.all(userId).map(rowToWorkspace))),
    replace: (workspace) =>
      attempt(() =>
        transact(database, 'IMMEDIATE', () => {
          const id = idToBytes(workspace.workspaceId);
          const { changes } = updateWorkspace.run(...workspaceToValues(workspace), id, workspace.version - 1);
          if (changes === 0) return 'changed';
          removeMembers.run(id);
          addMembers(id, workspace);
          return 'replaced';
        }),
      ),
    listAll: (after, limit) =>
      attempt(() =>
        transact(database, 'DEFERRED', () => {
          const from = after === null ? new Uint8Array() : idToBytes(after);
          return selectAll.all(from, limit).map(rowToWorkspace);
        }),
      ),
  };
}
