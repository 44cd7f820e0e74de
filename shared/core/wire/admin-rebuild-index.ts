/** POST /operator/rebuild-index: one step of making a workspace's chunk index right from its packs, for operators. */
import { type ValueOf, integer, message, optional, text, workspaceId } from './schema.ts';

/** `cursor`: null first, then that of the answer before, until it is null. */
export const rebuildIndexRequest = message('RebuildIndexRequest', { workspaceId, cursor: optional(text(128)) });

/** Packs of this step: forgotten because their blobs are gone, recorded after every byte was verified, found to be bad. */
export const rebuildIndexResponse = message('RebuildIndexResponse', {
  cursor: optional(text(128)),
  forgotten: integer(),
  recorded: integer(),
  rejected: integer(),
});
export type RebuildIndexResponse = ValueOf<typeof rebuildIndexResponse>;
