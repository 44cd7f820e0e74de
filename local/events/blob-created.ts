/**
 * The Event Grid event of a created blob (event schema, not CloudEvents):
 * https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
 *
 * Example: subject `/blobServices/default/containers/chunks/blobs/<workspaceId>/00/1f/001f….blob`, data.api `PutBlob`,
 * data.url without its query, so without a signature.
 */
import type { BlobProperties, Container } from '../../shared/ports/blob-store.ts';

export interface BlobCreated extends BlobProperties {
  readonly container: Container;
  readonly name: string;
  /** What made it. */
  readonly api: 'PutBlob' | 'PutBlockList' | 'CopyBlob';
}

export interface BlobCreatedEvent {
  readonly id: string;
  readonly topic: string;
  readonly subject: string;
  readonly eventType: 'Microsoft.Storage.BlobCreated';
  readonly eventTime: string;
  readonly data: {
    readonly api: BlobCreated['api'];
    readonly requestId: string;
    readonly eTag: string;
    readonly contentType: string;
    readonly contentLength: number;
    readonly blobType: 'BlockBlob';
    readonly url: string;
    /** Orders events of one blob name: by its incarnations. */
    readonly sequencer: string;
  };
  readonly dataVersion: '';
  readonly metadataVersion: '1';
}

/** @param source `topic`: the resource the events come from; `endpoint`: the base URL of its blobs. */
export function createdToEvent(
  created: BlobCreated,
  source: { readonly topic: string; readonly endpoint: string },
  id: string,
  nowMs: number,
): BlobCreatedEvent {
  return {
    id,
    topic: source.topic,
    subject: `/blobServices/default/containers/${created.container}/blobs/${created.name}`,
    eventType: 'Microsoft.Storage.BlobCreated',
    eventTime: new Date(nowMs).toISOString(),
    data: {
      api: created.api,
      requestId: id,
      eTag: created.etag,
      contentType: 'application/octet-stream',
      contentLength: created.length,
      blobType: 'BlockBlob',
      url: `${source.endpoint}/${created.container}/${created.name}`,
      sequencer: created.etag,
    },
    dataVersion: '',
    metadataVersion: '1',
  };
}
