/**
 * Which of the server's keys this device believes. Pinned keys are in the order in which they followed each other; the last is the
 * newest that is trusted.
 *
 * - An unknown key is taken only when a chain of endorsements leads to it from the newest pinned key: an older one has handed its
 *   trust on already, so whoever got hold of it later cannot make another successor.
 * - Once a head was followed that one key signed, no later head by a key before it is followed: a retired key signs nothing new.
 *
 * Not guaranteed: a device that has not heard of a rotation yet goes by the key that it knows.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import {
  type JournalEntry,
  headSignedBytes,
  keyEndorsementBytes,
  signingKeyId,
} from '../../../shared/core/wire/journal-entry.ts';
import { type PinnedKey, pinKeys } from '../journal/meta-table.ts';
import type { EngineNeeds, ServerKey, VerifySignature } from './needs.ts';

const whatToDo =
  'nothing was changed here. If the operator of the server tells you that its key was replaced, ' +
  'delete the control folder .tidemark in this folder and link it again';

function distrust(message: string, keyId: string): TidemarkError {
  return new TidemarkError('bad-signature', `${message}; ${whatToDo}`, { data: { keyId } });
}

type TrustNeeds = Pick<EngineNeeds, 'journal' | 'api' | 'verify'>;

/**
 * Checks the signature of the entry that a page ends with. A key that is new here is fetched once and, when it is endorsed, pinned
 * before this resolves. Throws `bad-signature`.
 */
export async function checkSignature(
  { journal, api, verify }: TrustNeeds,
  workspaceId: WorkspaceId,
  entry: JournalEntry,
  signal: AbortSignal,
): Promise<void> {
  const { meta } = journal;
  const { keyId } = entry;
  if (!meta.pinnedKeys.some((key) => key.keyId === keyId)) {
    const chain = await chainTo(keyId, meta.pinnedKeys.at(-1), await api.signingKeys(signal), verify);
    journal.transaction(() => pinKeys(meta, chain));
  }
  const pinned = meta.pinnedKeys;
  const place = pinned.findIndex((key) => key.keyId === keyId);
  if (place < pinned.findIndex((key) => key.keyId === meta.headKeyId)) {
    throw distrust('the head of the workspace is signed by a key that was replaced', keyId);
  }
  if (!(await verify(pinned[place]!.publicKey, headSignedBytes(workspaceId, entry), entry.signature))) {
    throw distrust('the signature of the head of the workspace does not verify', keyId);
  }
}

/** The keys from after `newest` up to `keyId`, each endorsed by the one before it. Throws `bad-signature` when there is no such chain. */
export async function chainTo(
  keyId: string,
  newest: PinnedKey | undefined,
  shown: readonly ServerKey[],
  verify: VerifySignature,
): Promise<readonly PinnedKey[]> {
  const keys = new Map(shown.map((key) => [key.keyId, key]));
  const chain: PinnedKey[] = [];
  for (let id = keyId; id !== newest?.keyId;) {
    const key = keys.get(id);
    if (newest === undefined || key?.endorsement == null || signingKeyId(key.publicKey) !== id) {
      throw distrust('the head of the workspace is signed by a key that no key trusted here has endorsed', keyId);
    }
    if (chain.length === limits.signingKeyChainMax) {
      throw distrust('the key of the server was replaced more often than this device can follow', keyId);
    }
    const by = key.endorsement.keyId;
    const endorser = by === newest.keyId ? newest : keys.get(by);
    const isEndorsed =
      endorser !== undefined &&
      (await verify(endorser.publicKey, keyEndorsementBytes(key.publicKey), key.endorsement.signature));
    if (!isEndorsed) throw distrust('the endorsement of a new key of the server does not verify', keyId);
    chain.unshift({ keyId: id, publicKey: key.publicKey });
    id = by;
  }
  return chain;
}
