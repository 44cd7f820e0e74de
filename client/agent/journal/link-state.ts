/** What a linked folder's journal says of its link, read while another process may be writing it. */
import { existsSync } from 'node:fs';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import type { DeviceId } from '../../../shared/core/ids.ts';
import { Database, isDamage } from './database.ts';
import { type FollowedHead, type JournalIdentity, MetaTable, type PinnedKey } from './meta-table.ts';

export interface LinkState {
  readonly identity: JournalIdentity;
  /** The newest is the last. */
  readonly pinnedKeys: readonly PinnedKey[];
  readonly headKeyId: string;
  readonly head: FollowedHead;
  readonly sessionToken: string | null;
}

/**
 * Takes no lock and changes nothing. Throws `halted` when the journal is not there, is damaged or is of another device than the
 * folder's marker names: the next sync settles that.
 */
export function readLinkState(file: string, marker: DeviceId): LinkState {
  const state = existsSync(file) ? readIfSound(file) : undefined;
  if (state?.identity.deviceId === marker) return state;
  throw new TidemarkError(
    'halted',
    `${file} is not this folder's journal any more; \`tide sync\` in the folder sets it right`,
  );
}

function readIfSound(file: string): LinkState | undefined {
  let db: Database | undefined;
  try {
    db = new Database(file, { readOnly: true });
    const meta = new MetaTable(db);
    const identity = meta.getIdentity();
    if (identity === undefined) return undefined;
    const { pinnedKeys, headKeyId, head, sessionToken } = meta;
    return { identity, pinnedKeys, headKeyId, head, sessionToken };
  } catch (error) {
    if (isDamage(error) || isTidemarkError(error, 'corrupt')) return undefined;
    throw error;
  } finally {
    db?.close();
  }
}
