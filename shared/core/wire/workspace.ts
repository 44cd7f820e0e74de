/** POST, GET /workspaces; GET, PATCH, DELETE /workspaces/{ws}; …/members. */
import { limits } from '../limits.ts';
import {
  type ValueOf,
  bytes,
  digest,
  flag,
  integer,
  list,
  message,
  oneOf,
  optional,
  text,
  userId,
  workspaceId,
} from './schema.ts';

export const workspaceMode = oneOf('personal', 'shared');
export const conflictPolicy = oneOf('copy', 'latest', 'merge');
export const workspaceRole = oneOf('owner', 'editor', 'viewer');
export type WorkspaceMode = ValueOf<typeof workspaceMode>;
export type ConflictPolicy = ValueOf<typeof conflictPolicy>;
export type WorkspaceRole = ValueOf<typeof workspaceRole>;

/**
 * `token`: 16 random bytes of the client's; the same user and token give the same workspace, so a repeat is harmless. `sha256`:
 * whether every file must come with the SHA-256 of its content.
 */
export const createWorkspaceRequest = message('CreateWorkspaceRequest', {
  token: bytes(16),
  name: text(limits.workspaceNameBytesMax),
  mode: workspaceMode,
  policy: conflictPolicy,
  region: text(64),
  sha256: optional(flag),
});
export type CreateWorkspaceRequest = ValueOf<typeof createWorkspaceRequest>;

/**
 * `version` is what the ETag of its answers names. `deletedMs`: when it was deleted, null while it stands. `files` and `bytes`:
 * what stands in the tree; `filesMax` and `bytesMax`: what may, null without a bound.
 */
export const workspaceView = message('Workspace', {
  workspaceId,
  name: text(limits.workspaceNameBytesMax),
  mode: workspaceMode,
  policy: conflictPolicy,
  region: text(64),
  role: workspaceRole,
  createdMs: integer(),
  seq: integer(),
  root: digest,
  version: optional(integer(1)),
  deletedMs: optional(integer()),
  files: optional(integer()),
  bytes: optional(integer()),
  filesMax: optional(integer()),
  bytesMax: optional(integer()),
  sha256: optional(flag),
});
export type WorkspaceView = ValueOf<typeof workspaceView>;

export const workspaceList = message('WorkspaceList', { workspaces: list(workspaceView, limits.workspacesListedMax) });

/** What is null stays. `deleted: false` brings a deleted workspace back. */
export const patchWorkspaceRequest = message('PatchWorkspaceRequest', {
  name: optional(text(limits.workspaceNameBytesMax)),
  mode: optional(workspaceMode),
  policy: optional(conflictPolicy),
  deleted: optional(flag),
});
export type PatchWorkspaceRequest = ValueOf<typeof patchWorkspaceRequest>;

export const memberView = message('Member', { userId, role: workspaceRole });
/** `version` is the workspace's, as in its ETag. */
export const memberList = message('MemberList', {
  version: integer(1),
  members: list(memberView, limits.workspaceMembersMax),
});
export type MemberList = ValueOf<typeof memberList>;
/** PUT …/members/{userId}. */
export const putMemberRequest = message('PutMemberRequest', { role: workspaceRole });
