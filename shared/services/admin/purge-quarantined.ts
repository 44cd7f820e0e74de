import type { Needs } from '../dependencies.ts';
import { type QuarantinedName, mustParseName, notInQuarantine } from './release-quarantined.ts';

/**
 * Deletes a pack from quarantine, for good, and then its record; nothing refers to what is in quarantine. May be repeated after a
 * crash in between. Throws `not-found` when neither is there.
 */
export async function purgeQuarantined(
  deps: Needs<'blobs' | 'metadata' | 'log'>,
  input: QuarantinedName,
): Promise<void> {
  const { workspaceId, blobName } = input;
  const { packId } = mustParseName(input);
  const properties = await deps.blobs.head('quarantine', blobName);
  if (properties !== undefined) await deps.blobs.deleteIfMatch('quarantine', blobName, properties.etag);
  const removed = await deps.metadata.quarantine.remove(workspaceId, blobName);
  if (properties === undefined && removed === 'missing') throw notInQuarantine();
  deps.log.warn({ workspaceId, packId, blobName }, 'an operator deleted a pack from quarantine');
}
