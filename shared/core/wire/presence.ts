/** GET /workspaces/{ws}/presence, and what a device reports of itself over its connection. */
import { limits } from '../limits.ts';
import { type ValueOf, deviceId, integer, list, message, oneOf, text, userId, workspaceId } from './schema.ts';

/** `offline`: its connection ended, or nothing was heard of it for `presenceLiveSeconds`. */
export const presenceState = oneOf('idle', 'syncing', 'offline');
export type PresenceState = ValueOf<typeof presenceState>;

/** `sinceMs`: since when it is in this state; `seenMs`: when it was last heard of. */
export const presentDevice = message('PresentDevice', {
  userId,
  deviceId,
  name: text(limits.deviceNameBytesMax),
  state: presenceState,
  sinceMs: integer(),
  seenMs: integer(),
});
export type PresentDevice = ValueOf<typeof presentDevice>;

/** Devices that were heard of in the last `presenceKeptSeconds`: those that are there first, then by when they were last seen. */
export const presenceList = message('PresenceList', { devices: list(presentDevice, limits.presenceListedMax) });
export type PresenceList = ValueOf<typeof presenceList>;

const folderState = message('FolderState', { workspaceId, deviceId, state: oneOf('idle', 'syncing') });

/** The user event `presence`, as JSON: when a state changes, and every `presenceHeartbeatSeconds`. Only of seats of the connection. */
export const presenceReport = message('PresenceReport', { folders: list(folderState, limits.realtimeSeatsMax) });
export type PresenceReport = ValueOf<typeof presenceReport>;
