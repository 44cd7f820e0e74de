import { app } from '@azure/functions';
import { verifyPack } from '../shared/services/verify-pack.ts';
import { packOfBlobEvent } from './blob-event.ts';
import type { GetService } from './service.ts';

/**
 * Blob events: a pack that was uploaded is verified. Events may be lost, late, doubled and out of order; a commit never waits
 * for one. Throws when the pack could not be read, so that Event Grid delivers again.
 */
export function registerVerifyPack(getService: GetService): void {
  app.eventGrid('verifyPack', {
    handler: async (event) => {
      const pack = packOfBlobEvent(event.eventType, event.subject);
      if (pack === undefined) return;
      const { deps } = await getService();
      const verification = await verifyPack(deps, pack);
      // Replaced while it was read: the new blob has an event of its own.
      deps.log.debug({ ...pack, verification }, 'a blob event was handled');
    },
  });
}
