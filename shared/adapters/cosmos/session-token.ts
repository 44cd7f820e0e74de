/**
 * What a client carries from request to request: the service's tokens of the containers that the request touched. They tell how
 * far partitions have come that all tenants share, so they are sealed (AES-256-GCM): a client can neither read nor make one.
 *
 *     base64url of  nonce(12) || ciphertext || tag(16);   plain: [1, sealedMs, [[container, range, token], …], padding] in msgpack
 *
 * The padding fills the plain text up to whole blocks: the digits of a position would tell by the token's length how much others have
 * written.
 *
 * A token ends after ten minutes. Replicas of a region lag by far less, and a token of a state that was lost (an account
 * restored from a backup) stands in its bearer's way no longer than that.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { encode } from '@msgpack/msgpack';
import { decodeMsgpack } from '../../core/msgpack.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { type ContainerName, containerNames } from './containers.ts';
import { type Session, newSession } from './request-session.ts';
import { mergeTokens } from './vector-token.ts';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
/** The port allows 8 KiB of text: this is what fits as base64url. */
const plainBytesMax = Math.floor((8 * 1024 * 3) / 4) - nonceBytes - tagBytes;
const lifetimeMs = 10 * 60_000;
const caps = { what: 'a session token', depthMax: 4, valuesMax: 10_000 };

type Row = readonly [container: number, range: string, token: string];

/** Positions have up to 19 digits, and a request touches some three containers. */
const blockBytes = 256;

function plainOf(rows: readonly Row[], nowMs: number): Uint8Array {
  const row = [1, nowMs, rows] as const;
  // A bin of up to 255 bytes has a head of two.
  const bare = encode(row).length + 2;
  return encode([...row, new Uint8Array((blockBytes - (bare % blockBytes)) % blockBytes)]);
}

/** Rows with those learned last at the end. */
function rowsOf({ tokens }: Session): Row[] {
  return [...tokens].flatMap(([name, ranges]) =>
    [...ranges].map(([range, token]): Row => [containerNames.indexOf(name), range, token]),
  );
}

/** Null when there is nothing to say. When it is too much, what was learned first of each container is left out. */
export function sealSession(session: Session, key: Uint8Array, clock: Clock, randomness: Randomness): string | null {
  let rows = rowsOf(session);
  if (rows.length === 0) return null;
  let plain = plainOf(rows, clock.now());
  while (plain.length > plainBytesMax) {
    rows = rows.slice(Math.ceil(rows.length / 8));
    plain = plainOf(rows, clock.now());
  }
  const nonce = randomness.bytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

function open(token: string, key: Uint8Array): unknown {
  const bytes = Buffer.from(token, 'base64url');
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  return decodeMsgpack(plain, caps);
}

/** The session to go on with; a new one when the token is none of ours, or too old. Never throws. */
export function unsealSession(token: string, key: Uint8Array, clock: Clock): Session {
  const session = newSession();
  try {
    const [version, sealedMs, rows] = open(token, key) as [number, number, Row[]];
    if (version !== 1 || Math.abs(clock.now() - sealedMs) > lifetimeMs) return session;
    for (const [container, range, rangeToken] of rows) {
      const name: ContainerName | undefined = containerNames[container];
      if (name === undefined) continue;
      const ranges = session.tokens.get(name) ?? new Map<string, string>();
      mergeTokens(ranges, `${range}:${rangeToken}`);
      session.tokens.set(name, ranges);
    }
  } catch {
    return newSession();
  }
  return session;
}
