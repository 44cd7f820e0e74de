/** POST, GET /workspaces; GET /workspaces/{ws}. */
import { limits } from '../limits.ts';
import { type ValueOf, bytes, digest, integer, list, message, oneOf, text, workspaceId } from './schema.ts';

export const workspaceMode = oneOf('personal', 'shared');
export const conflictPolicy = oneOf('copy', 'latest', 'merge');
export const workspaceRole = oneOf('owner', 'editor', 'viewer');
export type WorkspaceMode = ValueOf<typeof workspaceMode>;
export type ConflictPolicy = ValueOf<typeof conflictPolicy>;
export type WorkspaceRole = ValueOf<typeof workspaceRole>;

/** `token`: 16 random bytes of the client's; the same user and token give the same workspace, so a repeat is harmless. */
export const createWorkspaceRequest = message('CreateWorkspaceRequest', {
  token: bytes(16),
  name: text(limits.workspaceNameBytesMax),
  mode: workspaceMode,
  policy: conflictPolicy,
  region: text(64),
});
export type CreateWorkspaceRequest = ValueOf<typeof createWorkspaceRequest>;

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
});
export type WorkspaceView = ValueOf<typeof workspaceView>;

export const workspaceList = message('WorkspaceList', { workspaces: list(workspaceView, 10_000) });
