/** Workspaces, devices and upload sessions in memory: records looked up by id. */
import { TidemarkError } from '../../core/errors.ts';
import { type DeviceId, type SessionId, type UserId, type WorkspaceId, parseDigestColumn } from '../../core/ids.ts';
import type {
  DeviceRecord,
  DeviceStore,
  Head,
  SessionRecord,
  SessionStore,
  WorkspaceRecord,
  WorkspaceStore,
} from '../../ports/metadata-store.ts';
import type { MemoryJournalStore } from './memory-journal-store.ts';

function copyWorkspace(workspace: WorkspaceRecord): WorkspaceRecord {
  return { ...workspace, members: workspace.members.map((member) => ({ ...member })), quota: { ...workspace.quota } };
}

function copySession(session: SessionRecord): SessionRecord {
  return { ...session, packs: parseDigestColumn(session.packs.slice()) };
}

/** Creating a workspace creates its head in `journal`, in the same step. */
export class MemoryWorkspaceStore implements WorkspaceStore {
  readonly #workspaces = new Map<WorkspaceId, WorkspaceRecord>();
  readonly #journal: MemoryJournalStore;

  constructor(journal: MemoryJournalStore) {
    this.#journal = journal;
  }

  async create(workspace: WorkspaceRecord, head: Head): Promise<WorkspaceRecord> {
    const known = this.#workspaces.get(workspace.workspaceId);
    if (known !== undefined) return copyWorkspace(known);
    this.#workspaces.set(workspace.workspaceId, copyWorkspace(workspace));
    this.#journal.createHead(workspace.workspaceId, head);
    return copyWorkspace(workspace);
  }

  async get(workspaceId: WorkspaceId): Promise<WorkspaceRecord | undefined> {
    const workspace = this.#workspaces.get(workspaceId);
    return workspace && copyWorkspace(workspace);
  }

  async listOfMember(userId: UserId): Promise<readonly WorkspaceRecord[]> {
    return [...this.#workspaces.values()]
      .filter((workspace) => workspace.members.some((member) => member.userId === userId))
      .sort((a, b) => a.createdMs - b.createdMs || (a.workspaceId < b.workspaceId ? -1 : 1))
      .map(copyWorkspace);
  }

  async replace(workspace: WorkspaceRecord): Promise<'replaced' | 'changed'> {
    const known = this.#workspaces.get(workspace.workspaceId);
    if (known?.version !== workspace.version - 1) return 'changed';
    this.#workspaces.set(workspace.workspaceId, copyWorkspace(workspace));
    return 'replaced';
  }

  async listAll(after: WorkspaceId | null, limit: number): Promise<readonly WorkspaceRecord[]> {
    return [...this.#workspaces.values()]
      .filter(({ workspaceId }) => after === null || workspaceId > after)
      .sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1))
      .slice(0, limit)
      .map(copyWorkspace);
  }

  /** Forgets a workspace and its head. */
  remove(workspaceId: WorkspaceId): void {
    this.#workspaces.delete(workspaceId);
    this.#journal.removeHead(workspaceId);
  }
}

export function createMemoryDeviceStore(): DeviceStore {
  const devices = new Map<DeviceId, DeviceRecord>();
  return {
    register: async (device) => {
      const known = devices.get(device.deviceId);
      if (known === undefined) devices.set(device.deviceId, { ...device });
      return { ...(known ?? device) };
    },
    get: async (deviceId) => {
      const device = devices.get(deviceId);
      return device && { ...device };
    },
    listOfUser: async (userId) =>
      [...devices.values()]
        .filter((device) => device.userId === userId)
        .sort((a, b) => a.createdMs - b.createdMs || (a.deviceId < b.deviceId ? -1 : 1))
        .map((device) => ({ ...device })),
    revoke: async (deviceId, nowMs) => {
      const device = devices.get(deviceId);
      if (device === undefined) return undefined;
      const revoked = { ...device, revokedMs: device.revokedMs ?? nowMs };
      devices.set(deviceId, revoked);
      return { ...revoked };
    },
  };
}

/** `create` throws `conflict` when the session id is taken. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<SessionId, SessionRecord>();

  async create(session: SessionRecord): Promise<void> {
    if (this.#sessions.has(session.sessionId)) throw new TidemarkError('conflict', 'this session id is taken');
    this.#sessions.set(session.sessionId, copySession(session));
  }

  async get(workspaceId: WorkspaceId, sessionId: SessionId, nowMs: number): Promise<SessionRecord | undefined> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.workspaceId !== workspaceId || session.expiresMs <= nowMs) return undefined;
    return copySession(session);
  }

  async sweep(nowMs: number): Promise<number> {
    return this.#forget((session) => session.expiresMs < nowMs, Infinity);
  }

  /** Forgets at most `limit` sessions of a workspace; returns how many. */
  purge(workspaceId: WorkspaceId, limit: number): number {
    return this.#forget((session) => session.workspaceId === workspaceId, limit);
  }

  #forget(isOver: (session: SessionRecord) => boolean, limit: number): number {
    let forgotten = 0;
    for (const session of this.#sessions.values()) {
      if (forgotten === limit) break;
      if (isOver(session) && this.#sessions.delete(session.sessionId)) forgotten += 1;
    }
    return forgotten;
  }
}
