/** Which stores the operators' commands open. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createAdminContext } from '../../local/admin/context.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

const signal = new AbortController().signal;
/** Of a deployment, as an operator may have exported it. */
const deployment = {
  TIDEMARK_ISSUER: 'https://issuer.example',
  TIDEMARK_METADATA: 'cosmos',
  TIDEMARK_COSMOS_ENDPOINT: 'https://account.documents.example',
  TIDEMARK_BLOBS: 'azure',
  TIDEMARK_BLOB_ACCOUNT_URL: 'https://account.blob.example',
  TIDEMARK_QUEUES: 'azure',
  TIDEMARK_QUEUE_ACCOUNT_URL: 'https://account.queue.example',
  TIDEMARK_CHANGE_FEED: 'azure',
  TIDEMARK_SIGNING_KEYS: 'key-vault',
  TIDEMARK_KEY_VAULT_URL: 'https://vault.example',
  TIDEMARK_REALTIME: 'web-pubsub',
  TIDEMARK_METADATA_FILE: '/elsewhere/metadata.sqlite',
  TIDEMARK_BLOB_FOLDER: '/elsewhere/blobs',
  TIDEMARK_BLOB_KEY_FILE: '/elsewhere/blob.key',
  TIDEMARK_QUEUE_FILE: '/elsewhere/queues.sqlite',
  TIDEMARK_SIGNING_KEY_FILE: '/elsewhere/signing-key.pem',
};

test('a data folder that is named is looked after in all its stores, whatever deployment the environment configures', async (t) => {
  const data = path.join(await createTemporaryFolder(t), 'data');
  await mkdir(data);
  await writeFile(path.join(data, 'metadata.sqlite'), '');
  const config = createAdminContext(deployment, signal).config({ data });
  const inData = (name: string): string => path.join(data, name);
  assert.deepEqual(config.metadata, { adapter: 'sqlite', file: inData('metadata.sqlite') });
  assert.ok(config.blobs.adapter === 'disk');
  assert.deepEqual([config.blobs.folder, config.blobs.keyFile], [inData('blobs'), inData('blob.key')]);
  assert.deepEqual(config.queues, { adapter: 'sqlite', file: inData('queues.sqlite') });
  assert.deepEqual(config.changeFeed, { adapter: 'disk', folder: inData('blobs') });
  assert.deepEqual(config.signingKeys, { adapter: 'file', file: inData('signing-key.pem') });
  assert.deepEqual(config.realtime, { adapter: 'none' });
});

test('without a folder the commands go by the environment that configures a deployment', () => {
  const env = { ...deployment, TIDEMARK_WEB_PUBSUB_URL: 'https://name.webpubsub.example' };
  const { metadata, blobs, signingKeys } = createAdminContext(env, signal).config({});
  assert.deepEqual([metadata.adapter, blobs.adapter, signingKeys.adapter], ['cosmos', 'azure', 'key-vault']);
});
