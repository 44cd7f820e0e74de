/**
 * What is sent to the group `ws-<workspaceId>` of the realtime service, as msgpack in a binary message. No names and no paths: events say
 * "look". They may be lost, repeated and reordered, by anybody between, so nothing is decided by them; the journal is asked.
 */
import { encode } from '@msgpack/msgpack';
import type { WorkspaceId } from '../ids.ts';
import { decodeMsgpack, wireCaps } from '../msgpack.ts';
import { presenceState } from './presence.ts';
import { type ValueOf, deviceId, digest, integer, message, sessionId, userId, variant, workspaceId } from './schema.ts';

/** The group that hears of a workspace. */
export function groupOfWorkspace(workspaceId: WorkspaceId): string {
  return `ws-${workspaceId}`;
}

/** The workspace's head is at `seq`, or was; `deviceId` is whose commit it was. */
export const commitEvent = message('CommitEvent', { workspaceId, seq: integer(), root: digest, deviceId });

/** So much of an upload session's packs is there. Sessions that were given up never come to 100. */
export const progressEvent = message('ProgressEvent', { workspaceId, deviceId, sessionId, percent: integer(0, 100) });

/** A device came, went, or began or ended a sync. */
export const presenceEvent = message('PresenceEvent', { workspaceId, userId, deviceId, state: presenceState });

export const realtimeEvent = variant({ commit: commitEvent, progress: progressEvent, presence: presenceEvent });
export type RealtimeEvent = ValueOf<typeof realtimeEvent>;
export type CommitEvent = Extract<RealtimeEvent, { kind: 'commit' }>;

/** The user event `progress` of a connection, as JSON: of an upload session of one of its seats. */
export const progressReport = message('ProgressReport', { workspaceId, sessionId, percent: integer(0, 100) });
export type ProgressReport = ValueOf<typeof progressReport>;

export function encodeRealtimeEvent(event: RealtimeEvent): Uint8Array {
  return encode(realtimeEvent.toWire(event));
}

/** Throws `malformed`. A kind that is not known yet is malformed too: who reads it drops it. */
export function decodeRealtimeEvent(bytes: Uint8Array): RealtimeEvent {
  return realtimeEvent.fromWire(decodeMsgpack(bytes, wireCaps), '');
}
