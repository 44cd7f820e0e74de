import { app } from '@azure/functions';
import { verifyPack } from '../shared/services/verify-pack.ts';
import { verifyStagedPackOfSession } from '../shared/services/verify-staged-pack.ts';
import { packOfBlobEvent, stagedPackOfBlobEvent } from './blob-event.ts';
import { type GetService, runOnService } from './service.ts';

/**
 * Blob events: a pack that was uploaded is verified, one that was staged promoted first. Events may be lost, late, doubled and
 * out of order; a commit never waits for one. Throws when the pack could not be read, so that Event Grid delivers again.
 */
export function registerVerifyPack(getService: GetService): void {
  app.eventGrid('verifyPack', {
    handler: async (event) => {
      const pack = packOfBlobEvent(event.eventType, event.subject);
      const staged = stagedPackOfBlobEvent(event.eventType, event.subject);
      if (pack === undefined && staged === undefined) return;
      await runOnService(getService, async (deps) => {
        const verification =
          pack === undefined ? await verifyStagedPackOfSession(deps, staged!) : await verifyPack(deps, pack);
        // Replaced while it was read: the new blob has an event of its own.
        deps.log.debug({ ...pack, ...staged, verification }, 'a blob event was handled');
      });
    },
  });
}
