import { app } from '@azure/functions';
import { settleUnsettled } from '../shared/services/feed/settle-unsettled.ts';
import { decodeUnsettledMessage } from '../shared/services/feed/unsettled-message.ts';
import { type GetService, runOnService } from './service.ts';

/**
 * Messages of the queue `unsettled`: a pack that the change feed passed, because it could not be settled, is looked at again. Throws
 * while it still cannot be, and on a message that is none; after `maxDequeueCount` such calls the host moves it to `unsettled-poison`.
 */
export function registerUnsettled(getService: GetService): void {
  app.storageQueue('unsettled', {
    queueName: 'unsettled',
    connection: 'AzureWebJobsStorage',
    handler: (message) => runOnService(getService, (deps) => settleUnsettled(deps, decodeUnsettledMessage(message))),
  });
}
