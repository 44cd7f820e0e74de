/** What a client must know before it has a token. */
import { bytesToBase64url } from '../../core/bytes.ts';
import { mediaTypes } from '../../core/wire/envelope.ts';
import { health, serverConfiguration } from '../../core/wire/server-info.ts';
import type { Schema } from '../../core/wire/schema.ts';
import { answerForm, messageToResponse } from '../body.ts';
import { type ApiDependencies, type Route, publicRoute } from '../route.ts';

/** Keys and configuration change with a deployment, not more often. */
const cachedPublicly = 'public, max-age=300';

interface MessageRoute<T> {
  readonly path: string;
  readonly summary: string;
  readonly response: Schema<T>;
  readonly cache: string;
  value(this: void, deps: ApiDependencies): T;
}

function messageRoute<T>({ path, summary, response, cache, value }: MessageRoute<T>): Route {
  return publicRoute({
    path,
    summary,
    response,
    answer: async (deps, { headers }) => {
      const sent = messageToResponse(response, value(deps), answerForm(headers), deps.codecs);
      sent.headers.set('cache-control', cache);
      return sent;
    },
  });
}

/**
 * The signing keys as a JSON Web Key Set (RFC 7517; OKP keys of RFC 8037), always JSON, as tools expect it: the current one first, each
 * with the endorsement by the key before it. A client that meets a key it does not know asks past caches.
 */
async function answerKeys(deps: ApiDependencies): Promise<Response> {
  const keys = await deps.signer.publicKeys();
  const body = {
    keys: keys.map(({ keyId, publicKey, endorsement }) => ({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: keyId,
      x: bytesToBase64url(publicKey),
      ...(endorsement !== null && {
        tm_endorsed_by: endorsement.keyId,
        tm_endorsement: bytesToBase64url(endorsement.signature),
      }),
    })),
  };
  return new Response(JSON.stringify(body), {
    headers: { 'content-type': mediaTypes.json, 'cache-control': cachedPublicly },
  });
}

export const serverInfoRoutes: readonly Route[] = [
  messageRoute({
    path: '/health',
    summary: 'Whether the service answers',
    response: health,
    cache: 'no-store',
    value: ({ version }) => ({ ok: true, version }),
  }),
  messageRoute({
    path: '/.well-known/tidemark-configuration',
    summary: 'What a client must know before it has a token',
    response: serverConfiguration,
    cache: cachedPublicly,
    value: ({ configuration }) => configuration,
  }),
  publicRoute({
    path: '/.well-known/tidemark-keys.json',
    summary: 'The keys that sign heads, as a JSON Web Key Set',
    response: null,
    mediaType: mediaTypes.json,
    answer: answerKeys,
  }),
];
