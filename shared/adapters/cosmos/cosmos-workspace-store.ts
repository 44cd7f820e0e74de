/**
 * Workspaces. The record decides who is a member; documents in `directory` only tell where to look. They are written before
 * anybody becomes a member and taken away with the workspace, so that none is missing, whatever crashes in between, and what
 * is too many is looked at and left out. `indexed` in the record names all users who may have one.
 */
import { TidemarkError, isTidemarkError } from '../../core/errors.ts';
import { type UserId, type WorkspaceId, parseUserId, parseWorkspaceId } from '../../core/ids.ts';
import { conflictPolicy, workspaceMode, workspaceRole } from '../../core/wire/workspace.ts';
import type { Head, WorkspaceRecord, WorkspaceStore } from '../../ports/metadata-store.ts';
import { fieldsOf, flagOf, integerOf, integerOrNullOf, listOf, textOf } from './document.ts';
import { headToDocument } from './head-document.ts';
import { forEach, upsertMany } from './many.ts';
import type { Document, Fields } from './table.ts';
import type { Tables } from './tables.ts';

export const recordId = 'workspace';
export const registryPk = 'workspaces';

export function userPk(userId: UserId): string {
  return `user|${userId}`;
}

export function membershipId(workspaceId: WorkspaceId): string {
  return `workspace-${workspaceId}`;
}

function recordToDocument(workspace: WorkspaceRecord, indexed: readonly UserId[]): Document {
  const { members, quota, ...plain } = workspace;
  return {
    pk: workspace.workspaceId,
    id: recordId,
    ...plain,
    members: members.map(({ userId, role }) => ({ userId, role })),
    quota: { ...quota },
    indexed: [...indexed],
  };
}

function fieldsToRecord(fields: Fields): WorkspaceRecord {
  const quota = fieldsOf(fields['quota']);
  return {
    workspaceId: parseWorkspaceId(textOf(fields, 'workspaceId')),
    name: textOf(fields, 'name'),
    mode: workspaceMode.fromJson(textOf(fields, 'mode'), 'mode'),
    policy: conflictPolicy.fromJson(textOf(fields, 'policy'), 'policy'),
    region: textOf(fields, 'region'),
    createdMs: integerOf(fields, 'createdMs'),
    members: listOf(fields, 'members')
      .map(fieldsOf)
      .map((member) => ({
        userId: parseUserId(textOf(member, 'userId')),
        role: workspaceRole.fromJson(textOf(member, 'role'), 'role'),
      })),
    version: integerOf(fields, 'version'),
    deletedMs: integerOrNullOf(fields, 'deletedMs'),
    quota: { filesMax: integerOrNullOf(quota, 'filesMax'), bytesMax: integerOrNullOf(quota, 'bytesMax') },
    sha256: flagOf(fields, 'sha256'),
  };
}

/** Every user who may have a document in `directory` for this workspace. */
export function indexedUsers(fields: Fields): UserId[] {
  return listOf(fields, 'indexed').map((user) => parseUserId(String(user)));
}

/** Attempts of one replacement: each is lost only to another's preparation, which is followed by its replacement. */
const attemptsMax = 8;

export function createCosmosWorkspaceStore({ workspaces, directory, attempt }: Tables): WorkspaceStore {
  async function find(workspaceId: WorkspaceId): Promise<WorkspaceRecord | undefined> {
    const found = await workspaces.read(workspaceId, recordId);
    return found && fieldsToRecord(found.fields);
  }

  async function addToDirectory(workspaceId: WorkspaceId, users: readonly UserId[]): Promise<void> {
    await upsertMany(
      directory,
      users.map((userId) => ({ pk: userPk(userId), id: membershipId(workspaceId) })),
    );
  }

  async function create(workspace: WorkspaceRecord, head: Head): Promise<WorkspaceRecord> {
    const { workspaceId } = workspace;
    const known = await find(workspaceId);
    if (known !== undefined) return known;
    const users = [...new Set(workspace.members.map(({ userId }) => userId))];
    await directory.upsert({ pk: registryPk, id: workspaceId });
    await addToDirectory(workspaceId, users);
    const statuses = await workspaces.batch(workspaceId, [
      { kind: 'create', document: recordToDocument(workspace, users) },
      { kind: 'create', document: headToDocument(workspaceId, head) },
    ]);
    if (statuses.every((status) => status < 300)) return workspace;
    const standing = await find(workspaceId);
    if (standing !== undefined) return standing;
    throw new TidemarkError('busy', 'this workspace is being made or purged elsewhere');
  }

  /** Undefined: another preparation came in between. */
  async function tryReplace(workspace: WorkspaceRecord): Promise<'replaced' | 'changed' | undefined> {
    const { workspaceId, version } = workspace;
    const found = await workspaces.read(workspaceId, recordId);
    if (found === undefined || integerOf(found.fields, 'version') !== version - 1) return 'changed';
    const before = indexedUsers(found.fields);
    const added = workspace.members.map(({ userId }) => userId).filter((userId) => !before.includes(userId));
    const indexed = [...before, ...new Set(added)];
    if (added.length === 0) {
      const result = await workspaces.replace(recordToDocument(workspace, indexed), found.etag);
      return result === 'replaced' ? result : undefined;
    }
    // The record names new users before the directory does, so that what is in there is found again when it is purged.
    const prepared = recordToDocument(fieldsToRecord(found.fields), indexed);
    if ((await workspaces.replace(prepared, found.etag)) === 'changed') return undefined;
    await addToDirectory(workspaceId, added);
    return tryReplace(workspace);
  }

  /** Whether the record is this very one: after an answer that was lost, it was replaced by us. */
  async function stands(workspace: WorkspaceRecord): Promise<boolean> {
    const found = await find(workspace.workspaceId);
    const textOfRecord = (record: WorkspaceRecord) => JSON.stringify(recordToDocument(record, []));
    return found !== undefined && textOfRecord(found) === textOfRecord({ ...found, ...workspace });
  }

  async function replace(workspace: WorkspaceRecord): Promise<'replaced' | 'changed'> {
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      try {
        const result = await tryReplace(workspace);
        if (result !== undefined) return result;
      } catch (error) {
        if (isTidemarkError(error, 'unavailable') && (await stands(workspace))) return 'replaced';
        throw error;
      }
    }
    return 'changed';
  }

  async function findAll(ids: readonly string[]): Promise<WorkspaceRecord[]> {
    const found = await forEach(ids, (id) => find(parseWorkspaceId(id)));
    return found.filter((workspace) => workspace !== undefined);
  }

  async function listOfMember(userId: UserId): Promise<WorkspaceRecord[]> {
    const prefix = 'workspace-';
    const ids = await directory.all(userPk(userId), {
      text: 'SELECT VALUE c.id FROM c WHERE c.id >= @from AND c.id < @to',
      parameters: { '@from': prefix, '@to': `${prefix}~` },
      page: 1_000,
    });
    const known = await findAll(ids.map((id) => String(id).slice(prefix.length)));
    return known
      .filter(({ members }) => members.some((member) => member.userId === userId))
      .sort((a, b) => a.createdMs - b.createdMs || (a.workspaceId < b.workspaceId ? -1 : 1));
  }

  /** What is registered and not there was never made, or is purged. */
  async function listAll(after: WorkspaceId | null, limit: number): Promise<WorkspaceRecord[]> {
    const all: WorkspaceRecord[] = [];
    const pages = directory.pages(registryPk, {
      text: 'SELECT VALUE c.id FROM c WHERE c.id > @after ORDER BY c.id',
      parameters: { '@after': after ?? '' },
      page: Math.min(limit, 100),
    });
    for await (const page of pages) {
      all.push(...(await findAll(page.map(String))));
      if (all.length >= limit) break;
    }
    return all.slice(0, limit);
  }

  return {
    create: (workspace, head) => attempt(() => create(workspace, head)),
    get: (workspaceId) => attempt(() => find(workspaceId)),
    listOfMember: (userId) => attempt(() => listOfMember(userId)),
    replace: (workspace) => attempt(() => replace(workspace)),
    listAll: (after, limit) => attempt(() => listAll(after, limit)),
  };
}
