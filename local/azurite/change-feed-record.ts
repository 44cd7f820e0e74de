/**
 * One record of a storage account's change feed, schema version 1, and the pieces of an Avro object container file that holds them:
 * a header with the schema and a random marker, then blocks, each `count, bytes, records, marker`. A file grows by whole blocks.
 * https://learn.microsoft.com/azure/storage/blobs/storage-blob-change-feed and https://avro.apache.org/docs/1.11.1/specification/
 */
import avro, { type Schema } from 'avsc';
import type { AzuriteChange } from './blob-changes.ts';

const recordSchema: Schema = {
  type: 'record',
  name: 'BlobChangeEvent',
  namespace: 'com.microsoft.azure.storage.blob.changefeed',
  fields: [
    { name: 'schemaVersion', type: 'int' },
    { name: 'topic', type: 'string' },
    { name: 'subject', type: 'string' },
    {
      name: 'eventType',
      type: {
        type: 'enum',
        name: 'EventType',
        symbols: ['UnspecifiedEventType', 'BlobCreated', 'BlobDeleted', 'BlobPropertiesUpdated', 'BlobSnapshotCreated'],
      },
    },
    { name: 'eventTime', type: 'string' },
    { name: 'id', type: 'string' },
    {
      name: 'data',
      type: {
        type: 'record',
        name: 'BlobChangeEventData',
        fields: [
          { name: 'api', type: 'string' },
          { name: 'clientRequestId', type: 'string' },
          { name: 'requestId', type: 'string' },
          { name: 'etag', type: 'string' },
          { name: 'contentType', type: 'string' },
          { name: 'contentLength', type: 'long' },
          {
            name: 'blobType',
            type: { type: 'enum', name: 'BlobType', symbols: ['BlockBlob', 'PageBlob', 'AppendBlob'] },
          },
          { name: 'url', type: 'string' },
          { name: 'sequencer', type: 'string' },
        ],
      },
    },
  ],
};

const recordType = avro.Type.forSchema(recordSchema);
const longType = avro.Type.forSchema('long');
const bytesType = avro.Type.forSchema('bytes');
const metadataType = avro.Type.forSchema({ type: 'map', values: 'bytes' });

/** Length of the marker between blocks. */
export const syncMarkerBytes = 16;

/** Begins a file. Nothing reads a file that has no block after it. */
export function encodeFileHeader(marker: Uint8Array): Uint8Array {
  const metadata = {
    'avro.schema': Buffer.from(JSON.stringify(recordSchema)),
    'avro.codec': Buffer.from('null'),
  };
  return Buffer.concat([Buffer.from('Obj\x01', 'latin1'), metadataType.toBuffer(metadata), marker]);
}

/** One block of at least one record, under the file's marker. */
export function encodeBlock(records: readonly Uint8Array[], marker: Uint8Array): Uint8Array {
  return Buffer.concat([longType.toBuffer(records.length), bytesType.toBuffer(Buffer.concat(records)), marker]);
}

/** @param sequence orders the changes of one blob. @param id of the event. */
export function encodeChange(change: AzuriteChange, id: string, sequence: number): Uint8Array {
  const { account, container, name } = change;
  const provider = 'Microsoft.Storage/storageAccounts';
  return recordType.toBuffer({
    schemaVersion: 1,
    topic: `/subscriptions/local/resourceGroups/tidemark/providers/${provider}/${account}`,
    subject: `/blobServices/default/containers/${container}/blobs/${name}`,
    eventType: change.kind === 'created' ? 'BlobCreated' : 'BlobDeleted',
    eventTime: new Date(change.timeMs).toISOString(),
    id,
    data: {
      api: change.api,
      clientRequestId: id,
      requestId: id,
      etag: change.etag,
      contentType: change.contentType,
      contentLength: change.length,
      blobType: change.blobType,
      url: `https://${account}.blob.core.windows.net/${container}/${name}`,
      sequencer: sequence.toString(16).padStart(32, '0'),
    },
  });
}
