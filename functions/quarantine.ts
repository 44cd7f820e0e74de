import { app } from '@azure/functions';
import { decodeQuarantineMessage } from '../shared/services/quarantine/quarantine-message.ts';
import { reportQuarantined } from '../shared/services/quarantine/report-quarantined.ts';
import { type GetService, runOnService } from './service.ts';

/**
 * Messages of the queue `quarantine`: each bad pack is recorded and reported. Throws while a pack is still on its way into
 * quarantine, and on a message that is none; after `maxDequeueCount` such calls the host moves it to `quarantine-poison`.
 */
export function registerQuarantine(getService: GetService): void {
  app.storageQueue('quarantine', {
    queueName: 'quarantine',
    connection: 'AzureWebJobsStorage',
    handler: (message) => runOnService(getService, (deps) => reportQuarantined(deps, decodeQuarantineMessage(message))),
  });
}
