/**
 * Signed URLs (service SAS) for one blob and one thing. With an identity they are signed by a user-delegation key, which the
 * account gives for hours; with an emulator by the account's key.
 */
import {
  BlobSASPermissions,
  type BlobServiceClient,
  SASProtocol,
  StorageSharedKeyCredential,
  type UserDelegationKey,
  generateBlobSASQueryParameters,
} from '@azure/storage-blob';
import { TidemarkError } from '../../core/errors.ts';
import type { Container } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { type StorageAccess, isLocalAccount } from '../azure-storage/storage-access.ts';
import { guarded } from '../azure-storage/storage-error.ts';

/** `c`: create, never overwrite. `r`: read. `cw`: stage blocks and make a blob of them. */
export type SasPermission = 'c' | 'r' | 'cw';

export interface BlobSigner {
  /** A URL that permits one thing to one blob for `seconds`, and nothing else. The name has been checked. */
  sign(permission: SasPermission, container: Container, name: string, seconds: number): Promise<string>;
}

/** How long a key is asked for: Azure gives at most seven days; the shorter, the less it is worth to a thief. */
const keyLifetimeMs = 6 * 3_600_000;
/** A key is renewed while it still has this long, so that a failed renewal stops nobody. */
const renewBeforeMs = 3_600_000;
/** Our clock may be ahead of the account's: a key that starts in its future would sign nothing that it takes. */
const clockSkewMs = 15 * 60_000;

interface HeldKey {
  readonly key: UserDelegationKey;
  readonly expiresMs: number;
}

/** Keeps one user-delegation key, asked for when it is first needed and renewed before it ends. */
export class DelegationKeys {
  readonly #ask: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>;
  readonly #clock: Clock;
  #held: HeldKey | undefined;
  #asking: Promise<HeldKey> | undefined;

  constructor(ask: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** A key that is good until `untilMs` at least. @throws TidemarkError when there is none and none can be had. */
  async get(untilMs: number): Promise<UserDelegationKey> {
    const held = this.#held;
    const enough = held !== undefined && held.expiresMs >= untilMs + clockSkewMs;
    if (!enough) return (await this.#renew(untilMs)).key;
    // An account that does not answer holds up nobody while the key is good: the next call asks again.
    if (held.expiresMs - this.#clock.now() <= renewBeforeMs) this.#renew(untilMs).catch(() => {});
    return held.key;
  }

  /** All who wait for a key wait for one request. */
  async #renew(untilMs: number): Promise<HeldKey> {
    this.#asking ??= this.#fetch(untilMs).finally(() => (this.#asking = undefined));
    const fresh = await this.#asking;
    if (fresh.expiresMs < untilMs) throw new TidemarkError('malformed', 'a signed URL would outlive its key');
    return fresh;
  }

  async #fetch(untilMs: number): Promise<HeldKey> {
    const nowMs = this.#clock.now();
    const expiresMs = Math.max(nowMs + keyLifetimeMs, untilMs + renewBeforeMs);
    const key = await guarded(() => this.#ask(new Date(nowMs - clockSkewMs), new Date(expiresMs)));
    this.#held = { key, expiresMs: key.signedExpiresOn.getTime() };
    return this.#held;
  }
}

/** Signs for the account of this client. */
export function createBlobSigner(service: BlobServiceClient, access: StorageAccess, clock: Clock): BlobSigner {
  const keys = new DelegationKeys((startsOn, expiresOn) => service.getUserDelegationKey(startsOn, expiresOn), clock);
  const accountKey =
    access.kind === 'account-key' ? new StorageSharedKeyCredential(access.account, access.key) : undefined;
  // Plain http is for an emulator on this machine; a signature never leaves it in the open.
  const protocol = isLocalAccount(access.url) ? SASProtocol.HttpsAndHttp : SASProtocol.Https;
  return {
    sign: async (permission, container, name, seconds) => {
      const expiresMs = clock.now() + seconds * 1_000;
      const values = {
        containerName: container,
        blobName: name,
        permissions: BlobSASPermissions.parse(permission),
        expiresOn: new Date(expiresMs),
        protocol,
      };
      const query =
        accountKey === undefined
          ? generateBlobSASQueryParameters(values, await keys.get(expiresMs), service.accountName)
          : generateBlobSASQueryParameters(values, accountKey);
      return `${access.url}/${container}/${name}?${query.toString()}`;
    },
  };
}
