/** The event that the bridge sends is one that Azure's own library takes for Event Grid's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventGridDeserializer, isSystemEvent } from '@azure/eventgrid';
import { createdToEvent } from '../../../local/events/blob-created.ts';

test('the official deserializer reads a created blob, with its own fields', async () => {
  const created = {
    container: 'chunks',
    name: 'ws/00/1f/001f.blob',
    length: 5,
    etag: '0x1',
    createdMs: 0,
    tier: 'hot',
    api: 'PutBlob',
  } as const;
  const source = { topic: '/tidemark/local/storage', endpoint: 'http://127.0.0.1:7073' };
  const sent = createdToEvent(created, source, 'event-1', Date.UTC(2026, 10, 22));
  const [event] = await new EventGridDeserializer().deserializeEventGridEvents(JSON.stringify([sent]));
  assert.ok(event !== undefined && isSystemEvent('Microsoft.Storage.BlobCreated', event));
  assert.equal(event.subject, '/blobServices/default/containers/chunks/blobs/ws/00/1f/001f.blob');
  assert.equal(event.eventTime.getTime(), Date.UTC(2026, 10, 22));
  assert.equal(event.data.api, 'PutBlob');
  assert.equal(event.data.contentLength, 5);
  assert.equal(event.data.url, 'http://127.0.0.1:7073/chunks/ws/00/1f/001f.blob');
});
