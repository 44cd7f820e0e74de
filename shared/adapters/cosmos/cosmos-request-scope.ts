import type { Clock } from '../../ports/clock.ts';
import { isTidemarkError } from '../../core/errors.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RequestScope } from '../../ports/request-scope.ts';
import { bytesOf, bytesToText } from './document.ts';
import { newSession } from './request-session.ts';
import { sealSession, unsealSession } from './session-token.ts';
import type { Tables } from './tables.ts';

const secret = { pk: 'secrets', id: 'session-token-key' } as const;
const keyBytes = 32;

/** The key that all instances over one database seal with: made by whoever comes first. */
async function loadKey({ leases, attempt }: Tables, randomness: Randomness): Promise<Uint8Array> {
  return attempt(async () => {
    const known = await leases.read(secret.pk, secret.id);
    if (known !== undefined) return bytesOf(known.fields, 'key');
    const key = randomness.bytes(keyBytes);
    if ((await leases.create({ ...secret, key: bytesToText(key) })) === 'created') return key;
    const made = await leases.read(secret.pk, secret.id);
    return made === undefined ? key : bytesOf(made.fields, 'key');
  });
}

/** Tokens that cannot be sealed or opened now are done without: the work goes on in a session of its own. */
export function createCosmosRequestScope(tables: Tables, clock: Clock, randomness: Randomness): RequestScope {
  let loading: Promise<Uint8Array> | undefined;
  const key = async (): Promise<Uint8Array | undefined> => {
    loading ??= loadKey(tables, randomness);
    try {
      return await loading;
    } catch (error) {
      loading = undefined;
      if (isTidemarkError(error)) return undefined;
      throw error;
    }
  };
  return {
    async run(sessionToken, work) {
      const opener = sessionToken === null ? undefined : await key();
      const session =
        sessionToken === null || opener === undefined ? newSession() : unsealSession(sessionToken, opener, clock);
      const value = await tables.sessionsOf.run(session, work);
      const sealer = session.tokens.size === 0 ? undefined : await key();
      const token = sealer === undefined ? null : sealSession(session, sealer, clock, randomness);
      return { value, sessionToken: token, charge: session.charge };
    },
  };
}
