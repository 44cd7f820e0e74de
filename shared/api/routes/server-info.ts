/** What a client must know before it has a token. */
import { bytesToBase64url } from '../../core/bytes.ts';
import { mediaTypes } from '../../core/wire/envelope.ts';
import { health, serverConfiguration } from '../../core/wire/server-info.ts';
import type { Schema } from '../../core/wire/schema.ts';
import { answerForm, messageToResponse } from '../body.ts';
import { type ApiDependencies, type Route, publicRoute } from '../route.ts';

/** Keys and configuration change with a deployment, not more often. */
const cachedPublicly = 'public, max-age=300';

function messageRoute<T>(path: string, schema: Schema<T>, cache: string, value: (deps: ApiDependencies) => T): Route {
  return publicRoute(path, schema, async (deps, request) => {
    const response = messageToResponse(schema, value(deps), answerForm(request.headers), deps.codecs);
    response.headers.set('cache-control', cache);
    return response;
  });
}

/** The signing keys as a JSON Web Key Set (RFC 7517; OKP keys of RFC 8037), always JSON, as tools expect it. */
async function answerKeys(deps: ApiDependencies): Promise<Response> {
  const keys = await deps.signer.publicKeys();
  const body = {
    keys: keys.map(({ keyId, publicKey }) => ({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: keyId,
      x: bytesToBase64url(publicKey),
    })),
  };
  return new Response(JSON.stringify(body), {
    headers: { 'content-type': mediaTypes.json, 'cache-control': cachedPublicly },
  });
}

export const serverInfoRoutes: readonly Route[] = [
  messageRoute('/health', health, 'no-store', ({ version }) => ({ ok: true, version })),
  messageRoute(
    '/.well-known/tidemark-configuration',
    serverConfiguration,
    cachedPublicly,
    ({ configuration }) => configuration,
  ),
  publicRoute('/.well-known/tidemark-keys.json', null, answerKeys),
];
