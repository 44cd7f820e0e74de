/**
 * Which signed points of a workspace's history are believed by somebody who reads it without following it.
 *
 * With a linked folder: those signed by the keys that are pinned there, or by keys that these endorsed (engine/trust.ts); besides,
 * what the folder has followed must be in the history. Without one: those signed by the keys that the server publishes now. That shows
 * damage and mix-ups, not a server that lies about its keys.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import type { SignedHead } from '../../../shared/core/wire/commit.ts';
import { headSignedBytes } from '../../../shared/core/wire/journal-entry.ts';
import { keysInOrder } from '../../sdk/signatures.ts';
import type { ServerKey, VerifySignature } from '../engine/needs.ts';
import { chainTo } from '../engine/trust.ts';
import type { LinkState } from '../journal/link-state.ts';
import type { PinnedKey } from '../journal/meta-table.ts';

export interface HistoryTrustNeeds {
  readonly api: { signingKeys(signal?: AbortSignal): Promise<readonly ServerKey[]> };
  readonly verify: VerifySignature;
  readonly workspaceId: WorkspaceId;
  /** Undefined where no folder of this workspace is linked. */
  readonly link: Pick<LinkState, 'pinnedKeys' | 'headKeyId' | 'head'> | undefined;
  readonly signal: AbortSignal;
}

function distrust(message: string): TidemarkError {
  return new TidemarkError('bad-signature', message);
}

export class HistoryTrust {
  readonly #needs: HistoryTrustNeeds;
  #keys: readonly PinnedKey[] | undefined;

  constructor(needs: HistoryTrustNeeds) {
    this.#needs = needs;
    this.#keys = needs.link?.pinnedKeys;
  }

  /** Throws `bad-signature` unless a trusted key signed this point, and it agrees with what was followed here. */
  async check(head: SignedHead): Promise<void> {
    const { link, verify, workspaceId } = this.#needs;
    const keys = await this.#keysFor(head.keyId);
    const place = keys.findIndex(({ keyId }) => keyId === head.keyId);
    const key = keys[place];
    if (key === undefined) throw distrust('a point of the history is signed by a key that the server does not publish');
    if (link !== undefined) {
      const isNew = head.seq > link.head.seq;
      if (isNew && place < keys.findIndex(({ keyId }) => keyId === link.headKeyId)) {
        throw distrust('the head of the workspace is signed by a key that was replaced');
      }
      if (head.seq === link.head.seq && head.chain !== link.head.chain) {
        throw distrust('the history of the workspace is not the one that this folder has followed');
      }
    }
    if (!(await verify(key.publicKey, headSignedBytes(workspaceId, head), head.signature))) {
      throw distrust('the signature of a point of the history does not verify');
    }
  }

  /** Throws `bad-signature` when the newest point that the server shows is older than what was followed here. */
  checkNewest(seq: number): void {
    const { link } = this.#needs;
    if (link !== undefined && seq < link.head.seq) throw distrust('the server shows an older state than before');
  }

  async #keysFor(keyId: string): Promise<readonly PinnedKey[]> {
    const { api, link, signal, verify } = this.#needs;
    this.#keys ??= keysInOrder(await api.signingKeys(signal));
    if (link !== undefined && !this.#keys.some((key) => key.keyId === keyId)) {
      const chain = await chainTo(keyId, this.#keys.at(-1), await api.signingKeys(signal), verify);
      this.#keys = [...this.#keys, ...chain];
    }
    return this.#keys;
  }
}
