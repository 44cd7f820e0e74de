/** Azurite as if TLS had been ended before it: what the SDK sends to https goes to its http port, with the header that a proxy adds. */
import { Readable } from 'node:stream';
import type { TokenCredential } from '@azure/identity';
import {
  type PipelineOptions,
  type StorageAccess,
  identityAccess,
} from '../../shared/adapters/azure-storage/storage-access.ts';

/** A token as Entra ID gives it, which nobody signed. Azurite looks at its claims only. */
export function unsignedToken(nowMs = Date.now()): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(nowMs / 1_000);
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/',
    iat: seconds,
    nbf: seconds - 60,
    exp: seconds + 3_600,
    oid: '11059fcc-5514-4800-b5f8-49808b9cfab6',
    tid: 'ab1f708d-50f6-404c-a006-d71b2ac7a606',
  };
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.x`;
}

export const fakeIdentity: TokenCredential = {
  getToken: async () => ({ token: unsignedToken(), expiresOnTimestamp: Date.now() + 3_600_000 }),
};

type HttpClient = NonNullable<PipelineOptions['httpClient']>;
type HttpRequest = Parameters<HttpClient['sendRequest']>[0];
type HttpResponse = Awaited<ReturnType<HttpClient['sendRequest']>>;

/** The part of the answer that the SDK's pipeline reads, from a Response. */
async function toSdkResponse(request: HttpRequest, response: Response): Promise<HttpResponse> {
  const fields = Object.fromEntries(response.headers);
  const streamed = request.streamResponseStatusCodes?.has(response.status) === true && response.body !== null;
  const body = streamed
    ? { readableStreamBody: Readable.fromWeb(response.body) }
    : { bodyAsText: await response.text() };
  const headers = { toJson: () => fields };
  return { request, status: response.status, headers, ...body } as unknown as HttpResponse;
}

/** Options that let a function answer the SDK's requests, tried once each. */
export function answering(
  answer: (url: string, init: RequestInit & { readonly headers: Headers }) => Promise<Response>,
): PipelineOptions {
  return {
    httpClient: {
      sendRequest: async (request) => {
        const headers = new Headers(request.headers.toJson());
        headers.delete('content-length');
        const body = request.body as RequestInit['body'];
        const init = { method: request.method, headers, ...(body !== undefined && body !== null && { body }) };
        return toSdkResponse(request, await answer(request.url, init));
      },
    },
    retryOptions: { maxTries: 1 },
  };
}

function httpInside(onRequest: (method: string, url: string) => void): PipelineOptions {
  return answering((url, init) => {
    onRequest(init.method ?? '', url);
    const source = init.headers.get('x-ms-copy-source');
    if (source !== null) init.headers.set('x-ms-copy-source', source.replace(/^https:/, 'http:'));
    return fetchOverTls(url, init);
  });
}

/** Access by an identity that Azurite, started with `anyToken`, takes. */
export function accessOverTls(
  httpUrl: string,
  onRequest: (method: string, url: string) => void = () => {},
): StorageAccess {
  return identityAccess(httpUrl.replace(/^http:/, 'https:'), fakeIdentity, httpInside(onRequest));
}

/** Sends a request to a signed https URL the same way. */
export function fetchOverTls(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('x-forwarded-proto', 'https');
  return fetch(url.replace(/^https:/, 'http:'), { ...init, headers });
}
