/** Workspaces, devices and upload sessions in memory: records looked up by id. */
import { TidemarkError } from '../../core/errors.ts';
import { type DeviceId, type SessionId, type WorkspaceId, parseDigestColumn } from '../../core/ids.ts';
import type {
  DeviceRecord,
  DeviceStore,
  SessionRecord,
  SessionStore,
  WorkspaceRecord,
  WorkspaceStore,
} from '../../ports/metadata-store.ts';
import type { MemoryJournalStore } from './memory-journal-store.ts';

function copyWorkspace(workspace: WorkspaceRecord): WorkspaceRecord {
  return { ...workspace, members: workspace.members.map((member) => ({ ...member })) };
}

function copySession(session: SessionRecord): SessionRecord {
  return { ...session, packs: parseDigestColumn(session.packs.slice()) };
}

/** Creating a workspace creates its head in `journal`, in the same step. */
export function createMemoryWorkspaceStore(journal: MemoryJournalStore): WorkspaceStore {
  const workspaces = new Map<WorkspaceId, WorkspaceRecord>();
  return {
    create: async (workspace, head) => {
      const known = workspaces.get(workspace.workspaceId);
      if (known !== undefined) return copyWorkspace(known);
      workspaces.set(workspace.workspaceId, copyWorkspace(workspace));
      journal.createHead(workspace.workspaceId, head);
      return copyWorkspace(workspace);
    },
    get: async (workspaceId) => {
      const workspace = workspaces.get(workspaceId);
      return workspace && copyWorkspace(workspace);
    },
    listOfMember: async (userId) =>
      [...workspaces.values()]
        .filter((workspace) => workspace.members.some((member) => member.userId === userId))
        .sort((a, b) => a.createdMs - b.createdMs || (a.workspaceId < b.workspaceId ? -1 : 1))
        .map(copyWorkspace),
  };
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
  };
}

/** `create` throws `conflict` when the session id is taken. */
export function createMemorySessionStore(): SessionStore {
  const sessions = new Map<SessionId, SessionRecord>();
  return {
    create: async (session) => {
      if (sessions.has(session.sessionId)) throw new TidemarkError('conflict', 'this session id is taken');
      sessions.set(session.sessionId, copySession(session));
    },
    get: async (workspaceId, sessionId, nowMs) => {
      const session = sessions.get(sessionId);
      if (session === undefined || session.workspaceId !== workspaceId || session.expiresMs <= nowMs) return undefined;
      return copySession(session);
    },
    sweep: async (nowMs) => {
      const expired = [...sessions.values()].filter((session) => session.expiresMs < nowMs);
      for (const session of expired) sessions.delete(session.sessionId);
      return expired.length;
    },
  };
}
