import type { Digest, WorkspaceId } from '../shared/core/ids.ts';
import { parsePackBlobName } from '../shared/services/pack-name.ts';

const subjectStart = '/blobServices/default/containers/chunks/blobs/';

/** The pack that a storage event is about; undefined for every other event. The subject is all that is believed. */
export function packOfBlobEvent(
  eventType: string,
  subject: string,
): { readonly workspaceId: WorkspaceId; readonly packId: Digest } | undefined {
  if (eventType !== 'Microsoft.Storage.BlobCreated' || !subject.startsWith(subjectStart)) return undefined;
  return parsePackBlobName(subject.slice(subjectStart.length));
}
