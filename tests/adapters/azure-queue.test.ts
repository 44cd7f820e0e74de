/** What of the Azure queue adapter no port speaks of: what others see of its messages. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QueueServiceClient } from '@azure/storage-queue';
import { startAzurite } from '../../local/azurite/azurite.ts';
import { createAzureQueue } from '../../shared/adapters/azure-queue/azure-queue.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';

const azurite = await startAzurite({ folder: null });
after(() => azurite.close());

test('a message is base64 on the wire, as queue triggers expect it, and never expires', async () => {
  const { connectionString } = azurite.addAccount();
  const queue = createAzureQueue({ access: connectionStringAccess(connectionString, 'queue'), createQueues: true });
  await queue.send('quarantine', '{"é":1}');
  const client = QueueServiceClient.fromConnectionString(connectionString).getQueueClient('quarantine');
  const { receivedMessageItems } = await client.receiveMessages();
  assert.equal(receivedMessageItems[0]?.messageText, Buffer.from('{"é":1}').toString('base64'));
  assert.ok(receivedMessageItems[0].expiresOn.getFullYear() >= 9999);
});

test('a queue that is not there is a fault of the deployment, and says so', async () => {
  const { connectionString } = azurite.addAccount();
  const queue = createAzureQueue({ access: connectionStringAccess(connectionString, 'queue'), createQueues: false });
  await assert.rejects(
    queue.send('quarantine', 'x'),
    (error) => isTidemarkError(error, 'internal') && error.data['storageCode'] === 'QueueNotFound',
  );
});
