/** What the API says of itself: the OpenAPI document, and a page of it for people. */
import { bytesToBase64url, utf8 } from '../../core/bytes.ts';
import { blake3Digest } from '../../core/hash/blake3.ts';
import { mediaTypes } from '../../core/wire/envelope.ts';
import { openApiDocument } from '../openapi/document.ts';
import { openApiToHtml, pageStyle } from '../openapi/page.ts';
import { matchesNone } from '../preconditions.ts';
import { type ApiDependencies, type Route, publicRoute } from '../route.ts';

interface Rendered {
  readonly text: string;
  readonly etag: string;
}

interface Description {
  readonly json: Rendered;
  readonly html: Rendered;
}

function rendered(text: string): Rendered {
  return { text, etag: `"${blake3Digest(utf8(text)).slice(0, 32)}"` };
}

/** Some milliseconds of work, done once for a service, at the first request. */
const described = new WeakMap<ApiDependencies, Description>();

function describe(deps: ApiDependencies, table: readonly Route[]): Description {
  const known = described.get(deps);
  if (known !== undefined) return known;
  const document = openApiDocument(table, deps);
  const description = { json: rendered(JSON.stringify(document)), html: rendered(openApiToHtml(document)) };
  described.set(deps, description);
  return description;
}

function answerText({ text, etag }: Rendered, mediaType: string, requestHeaders: Headers): Response {
  const isKnown = matchesNone(requestHeaders, etag);
  // It changes with a deployment, not more often.
  const headers = { etag, 'cache-control': 'public, max-age=300' };
  return isKnown
    ? new Response(null, { status: 304, headers })
    : new Response(text, { headers: { ...headers, 'content-type': mediaType } });
}

/** The page loads nothing and runs nothing; its style is named by its hash. */
async function pagePolicy(): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(pageStyle)));
  const base64 = bytesToBase64url(hash).replaceAll('-', '+').replaceAll('_', '/');
  return `default-src 'none'; style-src 'sha256-${base64}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

export const descriptionRoutes: readonly Route[] = [
  publicRoute({
    path: '/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    response: null,
    mediaType: mediaTypes.json,
    answer: async (deps, { headers }, table) => answerText(describe(deps, table).json, mediaTypes.json, headers),
  }),
  publicRoute({
    path: '/docs',
    summary: 'This API as a page for people',
    response: null,
    mediaType: 'text/html',
    answer: async (deps, { headers }, table) => {
      const response = answerText(describe(deps, table).html, 'text/html; charset=utf-8', headers);
      response.headers.set('content-security-policy', await pagePolicy());
      response.headers.set('referrer-policy', 'no-referrer');
      return response;
    },
  }),
];
