/** What a thief, or a client that wants more than it was given, may try with a signed URL. */
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import type { SasWorld, UrlKind } from './blob-worlds.ts';

export interface Attempt {
  readonly name: string;
  readonly url: string;
  readonly init: RequestInit;
}

const blockId = encodeURIComponent(Buffer.from(blake3(utf8('attack'))).toString('base64'));
const list = `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>${decodeURIComponent(blockId)}</Latest></BlockList>`;

export const blob = { 'x-ms-blob-type': 'BlockBlob' };

/** The uses that the kinds are for, in order; all others are attempts. */
export function intended(kind: UrlKind, url: string): readonly Attempt[] {
  switch (kind) {
    case 'create':
    case 'status':
      return [{ name: 'put', url, init: { method: 'PUT', headers: blob, body: 'attack' } }];
    case 'staged':
      return [
        { name: 'block', url: `${url}&comp=block&blockid=${blockId}`, init: { method: 'PUT', body: 'attack' } },
        { name: 'list', url: `${url}&comp=blocklist`, init: { method: 'PUT', body: list } },
      ];
    case 'read':
      return [{ name: 'get', url, init: {} }];
  }
}

/** Every operation that Azure Blob has on a blob, a container and an account, on this very URL. */
function operations(url: string, { foreignUrl, foreign }: SasWorld): readonly Attempt[] {
  const { origin, pathname } = new URL(url);
  const query = url.slice(url.indexOf('?') + 1);
  const account = pathname.split('/').length > 6 ? `/${pathname.split('/')[1]}` : '';
  const put = (name: string, more: string, headers: Readonly<Record<string, string>> = {}, body?: string): Attempt => ({
    name: `PUT ${name}`,
    url: `${url}${more}`,
    init: { method: 'PUT', headers, ...(body === undefined ? {} : { body }) },
  });
  const other = (method: string, more = ''): Attempt => ({
    name: `${method} ${more}`,
    url: `${url}${more}`,
    init: { method, ...(method === 'POST' || method === 'PATCH' ? { body: 'attack' } : {}) },
  });
  const unsigned = `${new URL(foreignUrl).origin}${new URL(foreignUrl).pathname}`;
  return [
    ...['GET', 'HEAD', 'DELETE', 'POST', 'PATCH', 'OPTIONS'].map((method) => other(method)),
    ...['blocklist&blocklisttype=all', 'metadata', 'tags', 'pagelist'].map((comp) => other('GET', `&comp=${comp}`)),
    other('DELETE', '&snapshot=2026-11-22T10:00:00.0000000Z'),
    put('blob', '', blob, 'attack'),
    put('append blob', '', { 'x-ms-blob-type': 'AppendBlob' }),
    put('page blob', '', { 'x-ms-blob-type': 'PageBlob', 'x-ms-blob-content-length': '512' }),
    put('block', `&comp=block&blockid=${blockId}`, {}, 'attack'),
    put('blocklist', '&comp=blocklist', {}, list),
    put('metadata', '&comp=metadata', { 'x-ms-meta-a': 'b' }),
    put('properties', '&comp=properties', { 'x-ms-blob-content-type': 'text/html' }),
    put('tier', '&comp=tier', { 'x-ms-access-tier': 'Archive' }),
    put('tags', '&comp=tags', {}, '<Tags><TagSet /></Tags>'),
    put('lease', '&comp=lease', { 'x-ms-lease-action': 'acquire', 'x-ms-lease-duration': '-1' }),
    put('snapshot', '&comp=snapshot'),
    put('undelete', '&comp=undelete'),
    put('append', '&comp=appendblock', {}, 'attack'),
    put('copy of what is bob’s', '', { 'x-ms-copy-source': unsigned }),
    put('copy of what is bob’s, at once', '', { 'x-ms-copy-source': unsigned, 'x-ms-requires-sync': 'true' }),
    put('container', '&restype=container'),
    ...['chunks', 'staging', 'quarantine', 'manifests'].map((container) => ({
      name: `list ${container}`,
      url: `${origin}${account}/${container}?restype=container&comp=list&${query}`,
      init: {},
    })),
    { name: 'list the account', url: `${origin}${account}/?comp=list&${query}`, init: {} },
    {
      name: 'properties of the account',
      url: `${origin}${account}/?restype=service&comp=properties&${query}`,
      init: {},
    },
    {
      name: 'delete the container',
      url: `${origin}${account}/chunks?restype=container&${query}`,
      init: { method: 'DELETE' },
    },
    { name: 'read what is bob’s', url: url.replace(/[^/]*\/[0-9a-f]{32}\/[^?]*/, `chunks/${foreign}`), init: {} },
  ];
}

/** The path that a URL names, in other words; each with the use that the URL is for. */
function otherPlaces(kind: UrlKind, url: string, { stored, foreign }: SasWorld): readonly Attempt[] {
  const name = /\/(?:chunks|staging)\/([^?]*)/.exec(url)![1]!;
  const at = (place: string) => url.replace(/\/(?:chunks|staging)\/[^?]*/, place);
  const places = {
    'another name': `/chunks/${name.slice(0, -8)}0.blob`,
    'a stored pack': `/chunks/${stored}`,
    'a pack of bob’s': `/chunks/${foreign}`,
    'bob’s workspace': `/chunks/${foreign.slice(0, 32)}${name.slice(32)}`,
    'a longer name': `/chunks/${name}0`,
    quarantine: `/quarantine/${name}`,
    manifests: `/manifests/${name}`,
    'no such container': `/other/${name}`,
    ...(kind === 'staged' ? { chunks: `/chunks/${name}` } : { staging: `/staging/${name}` }),
    'a double slash': `/chunks//${name}`,
    'a path that climbs': `/chunks/${name}/%2e%2e/${foreign.slice(32 + 1)}`,
    capitals: `/chunks/${name.toUpperCase()}`,
  };
  return Object.entries(places).flatMap(([what, place]) => {
    if (url === at(place)) return [];
    return intended(kind, at(place)).map((attempt) => ({ ...attempt, name: `${attempt.name} at ${what}` }));
  });
}

/** What a parameter may become: away, another value, twice. */
function* alteredValues(name: string, value: string): Generator<[what: string, values: readonly string[]]> {
  yield ['left out', []];
  yield ['empty', ['']];
  yield ['changed', [value.replace(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/, (c) => (c === 'A' ? 'B' : 'A'))]];
  yield ['cut', [value.slice(0, -1)]];
  if (name === 'sp')
    for (const more of ['r', 'c', 'w', 'cw', 'd', 'l', 'racwdxyltmeopi']) yield [`set to ${more}`, [more]];
  if (name === 'sr') for (const more of ['c', 'd', 'bs', 'bv']) yield [`set to ${more}`, [more]];
  if (name === 'se') yield ['a year later', [new Date(Date.parse(value) + 365 * 86_400_000).toISOString()]];
  if (name === 'spr') yield ['anything', ['https,http,ftp']];
}

function otherQueries(kind: UrlKind, url: string, world: SasWorld): readonly Attempt[] {
  const [base, query] = url.split('?') as [string, string];
  const attempts: Attempt[] = [];
  const add = (name: string, params: URLSearchParams) => {
    const altered = `${base}?${params.toString()}`;
    for (const attempt of intended(kind, altered)) attempts.push({ ...attempt, name: `${attempt.name} with ${name}` });
  };
  for (const [name, value] of new URLSearchParams(query)) {
    for (const [what, values] of alteredValues(name, value)) {
      if (values[0] === value) continue;
      const params = new URLSearchParams(query);
      params.delete(name);
      for (const each of values) params.append(name, each);
      add(`${name} ${what}`, params);
    }
  }
  add('nothing', new URLSearchParams());
  for (const [other, theirs] of [...Object.entries(world.urls), ['bob’s', world.foreignUrl] as const]) {
    if (other === kind || theirs.split('?')[0] === base) continue;
    const params = new URLSearchParams(query);
    params.set('sig', new URL(theirs).searchParams.get('sig')!);
    add(`the signature of ${other}`, params);
    add(`the whole query of ${other}`, new URLSearchParams(theirs.split('?')[1]));
  }
  return attempts;
}

/** All but what the URL is for. */
export function attemptsWith(kind: UrlKind, world: SasWorld): readonly Attempt[] {
  const url = world.urls[kind];
  const isIntended = (attempt: Attempt) =>
    intended(kind, url).some(
      (use) =>
        use.url === attempt.url && use.init.method === attempt.init.method && use.init.body === attempt.init.body,
    );
  return [...operations(url, world), ...otherPlaces(kind, url, world), ...otherQueries(kind, url, world)].filter(
    (attempt) => !isIntended(attempt) && !(kind === 'read' && attempt.name === 'GET '),
  );
}
