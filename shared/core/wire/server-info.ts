/** GET /.well-known/tidemark-configuration, /.well-known/tidemark-keys.json and /health: what a client must know before it has a token. */
import { type ValueOf, bytes, flag, integer, list, message, text } from './schema.ts';

export const serverConfiguration = message('ServerConfiguration', {
  protocol: integer(),
  issuer: text(1_024),
  audience: text(1_024),
  clientId: text(256),
  /** Whether the issuer grants tokens for any name without a password: a development stack. */
  development: flag,
});
export type ServerConfiguration = ValueOf<typeof serverConfiguration>;

/** An Ed25519 public key, 32 bytes. */
export const signingKey = message('SigningKey', { keyId: text(64), publicKey: bytes(32) });
export type SigningKey = ValueOf<typeof signingKey>;

export const health = message('Health', { ok: flag, version: text(64) });
export const signingKeys = list(signingKey, 64);
