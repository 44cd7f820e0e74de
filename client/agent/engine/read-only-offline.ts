/**
 * An engine whose folder is read-only while the server cannot be reached, where the person chose that (`tide link --read-only-offline`).
 * Whoever syncs gets it with that: a sync that does not reach the server takes the write permissions, and the next one that does gives
 * them back before anything else, also after a crash in between, and also when the choice was taken back.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type ReadOnlyFolder, holdReadOnly, isHeldReadOnly, releaseReadOnly } from '../folder/read-only.ts';
import type { Engine } from './engine.ts';

/** @param reach asks the server for anything; throws `unavailable` when it cannot be reached. */
export function withReadOnlyOffline(
  engine: Engine,
  folder: ReadOnlyFolder,
  reach: (signal: AbortSignal) => Promise<unknown>,
): Engine {
  const { journal } = folder;
  const hold = (error: unknown): void => {
    if (isTidemarkError(error, 'unavailable') && journal.meta.readOnlyOffline) holdReadOnly(folder);
  };
  return {
    ...engine,
    sync: async (signal, options) => {
      try {
        if (isHeldReadOnly(journal)) {
          if (journal.meta.readOnlyOffline) await reach(signal);
          releaseReadOnly(folder);
        }
        return await engine.sync(signal, options);
      } catch (error) {
        hold(error);
        throw error;
      }
    },
  };
}
