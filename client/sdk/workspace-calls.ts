/** Calls about what a workspace is and who is in it, now too, and which devices a person has. All of them are safe to repeat. */
import type { DeviceId, UserId, WorkspaceId } from '../../shared/core/ids.ts';
import { type DeviceView, deviceList, deviceView } from '../../shared/core/wire/device.ts';
import { type PresenceList, presenceList } from '../../shared/core/wire/presence.ts';
import {
  type NegotiateRequest,
  type NegotiateResponse,
  negotiateRequest,
  negotiateResponse,
} from '../../shared/core/wire/realtime-negotiate.ts';
import type { Schema } from '../../shared/core/wire/schema.ts';
import {
  type MemberList,
  type PatchWorkspaceRequest,
  type WorkspaceRole,
  type WorkspaceView,
  memberList,
  patchWorkspaceRequest,
  putMemberRequest,
  workspaceList,
  workspaceView,
} from '../../shared/core/wire/workspace.ts';
import type { ApiCall } from './api-client.ts';

/** `version`: the one that was read (`precondition-failed` when it is another by now); null: whatever it is. */
export interface WorkspaceCalls {
  /** The caller's workspaces, with those that they own and deleted. */
  listDeletedToo(signal?: AbortSignal): Promise<readonly WorkspaceView[]>;
  patchWorkspace(
    workspaceId: WorkspaceId,
    change: Partial<PatchWorkspaceRequest>,
    version: number | null,
    signal?: AbortSignal,
  ): Promise<WorkspaceView>;
  deleteWorkspace(workspaceId: WorkspaceId, version: number | null, signal?: AbortSignal): Promise<WorkspaceView>;
  listMembers(workspaceId: WorkspaceId, signal?: AbortSignal): Promise<MemberList>;
  putMember(
    workspaceId: WorkspaceId,
    member: { readonly userId: UserId; readonly role: WorkspaceRole },
    version: number | null,
    signal?: AbortSignal,
  ): Promise<MemberList>;
  removeMember(
    workspaceId: WorkspaceId,
    userId: UserId,
    version: number | null,
    signal?: AbortSignal,
  ): Promise<MemberList>;
  listDevices(signal?: AbortSignal): Promise<readonly DeviceView[]>;
  /** For ever: it syncs no more. */
  revokeDevice(deviceId: DeviceId, signal?: AbortSignal): Promise<DeviceView>;
  /** Which devices were heard of lately, those that are there first. */
  listPresence(workspaceId: WorkspaceId, signal?: AbortSignal): Promise<PresenceList>;
  /** Where to listen for events of some workspaces. The URL holds a token: it belongs in no log. */
  negotiate(request: NegotiateRequest, signal?: AbortSignal): Promise<NegotiateResponse>;
}

export interface Caller {
  run<T>(this: void, call: ApiCall<T>, signal?: AbortSignal): Promise<T>;
  pack<T>(this: void, schema: Schema<T>, value: T): Uint8Array;
}

function ifMatch(version: number | null): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { 'if-match': version === null ? '*' : `"${version}"` } };
}

function memberPath(workspaceId: WorkspaceId, userId: UserId): string {
  return `/workspaces/${workspaceId}/members/${encodeURIComponent(userId)}`;
}

const nothingChanged: PatchWorkspaceRequest = { name: null, mode: null, policy: null, deleted: null };

export function workspaceCalls({ run, pack }: Caller): WorkspaceCalls {
  return {
    listDeletedToo: async (signal) =>
      (await run({ method: 'GET', path: '/workspaces?deleted=true', answer: workspaceList }, signal)).workspaces,
    patchWorkspace: (workspaceId, change, version, signal) => {
      const body = pack(patchWorkspaceRequest, { ...nothingChanged, ...change });
      const path = `/workspaces/${workspaceId}`;
      return run({ method: 'PATCH', path, body, ...ifMatch(version), answer: workspaceView }, signal);
    },
    deleteWorkspace: (workspaceId, version, signal) =>
      run({ method: 'DELETE', path: `/workspaces/${workspaceId}`, ...ifMatch(version), answer: workspaceView }, signal),
    listMembers: (workspaceId, signal) =>
      run({ method: 'GET', path: `/workspaces/${workspaceId}/members`, answer: memberList }, signal),
    putMember: (workspaceId, { userId, role }, version, signal) => {
      const body = pack(putMemberRequest, { role });
      const path = memberPath(workspaceId, userId);
      return run({ method: 'PUT', path, body, ...ifMatch(version), answer: memberList }, signal);
    },
    removeMember: (workspaceId, userId, version, signal) =>
      run({ method: 'DELETE', path: memberPath(workspaceId, userId), ...ifMatch(version), answer: memberList }, signal),
    listDevices: async (signal) => (await run({ method: 'GET', path: '/devices', answer: deviceList }, signal)).devices,
    revokeDevice: (deviceId, signal) =>
      run({ method: 'DELETE', path: `/devices/${deviceId}`, answer: deviceView }, signal),
    listPresence: (workspaceId, signal) =>
      run({ method: 'GET', path: `/workspaces/${workspaceId}/presence`, answer: presenceList }, signal),
    negotiate: (request, signal) => {
      const body = pack(negotiateRequest, request);
      return run({ method: 'POST', path: '/realtime/negotiate', body, answer: negotiateResponse }, signal);
    },
  };
}
