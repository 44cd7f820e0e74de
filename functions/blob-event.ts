import { type StagedPack, parsePackBlobName, parseStagedPackName } from '../shared/services/pack-name.ts';
import type { NamedPack } from '../shared/services/verify-pack.ts';

const subjectStart = '/blobServices/default/containers/';

/** The blob that a storage event says was created; undefined for every other event. The subject is all that is believed. */
function nameInContainer(eventType: string, subject: string, container: string): string | undefined {
  const start = `${subjectStart}${container}/blobs/`;
  if (eventType !== 'Microsoft.Storage.BlobCreated' || !subject.startsWith(start)) return undefined;
  return subject.slice(start.length);
}

/** The pack in `chunks` that a storage event is about; undefined for every other event. */
export function packOfBlobEvent(eventType: string, subject: string): NamedPack | undefined {
  const name = nameInContainer(eventType, subject, 'chunks');
  return name === undefined ? undefined : parsePackBlobName(name);
}

/** The pack in `staging` whose blocks were put together; undefined for every other event. */
export function stagedPackOfBlobEvent(eventType: string, subject: string): StagedPack | undefined {
  const name = nameInContainer(eventType, subject, 'staging');
  return name === undefined ? undefined : parseStagedPackName(name);
}
