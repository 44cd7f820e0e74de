/** The page of the API: whole, self-contained, and what its policy allows. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { routes } from '../../../shared/api/api.ts';
import { createTestWorld } from '../world/test-world.ts';

const { api } = createTestWorld();

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return api.handle(new Request(`https://tidemark.test/api${path}`, { headers }));
}

const response = await get('/docs');
const html = await response.text();
const voidTags = new Set(['meta', '!doctype']);

describe('the page of the API', () => {
  it('loads nothing and runs nothing, and its policy says so', () => {
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}'`), policy);
    assert.doesNotMatch(html, /<script|<img|<link|<iframe| src=| style=| on[a-z]+=|url\(|@import/i);
  });

  it('is well-formed, with a heading for everything and one id each', () => {
    const open: string[] = [];
    for (const [, closing, tag] of html.replace(/<style>[\s\S]*<\/style>/, '').matchAll(/<(\/?)([a-z0-9!]+)[^>]*>/gi)) {
      const name = tag!.toLowerCase();
      if (voidTags.has(name)) continue;
      if (closing === '') open.push(name);
      else assert.equal(open.pop(), name);
    }
    assert.deepEqual(open, []);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.includes(target!), target);
    assert.match(html, /<html lang="en">.*<title>Tidemark API /s);
  });

  it('has every route', () => {
    for (const { method, path } of routes)
      assert.ok(html.includes(`<code>${method} ${path}</code></h3>`), `${method} ${path}`);
  });

  it('and its document are sent again only when they changed', async () => {
    for (const path of ['/docs', '/openapi.json']) {
      const etag = (await get(path)).headers.get('etag')!;
      const again = await get(path, { 'if-none-match': etag });
      assert.deepEqual([again.status, await again.text()], [304, '']);
      assert.equal((await get(path, { 'if-none-match': '"other"' })).status, 200);
    }
  });
});
