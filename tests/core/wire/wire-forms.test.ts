/**
 * Pins the form of everything that goes over the wire. When this test fails, the wire changed: give it a line in
 * shared/core/wire/protocol.ts (a new version unless nothing is deployed yet), then put the printed forms into
 * tests/vectors/wire-forms.json.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { protocolVersion } from '../../../shared/core/wire/protocol.ts';
import pinned from '../../vectors/wire-forms.json' with { type: 'json' };

const folder = new URL('../../../shared/core/wire/', import.meta.url);
/** The language itself: what it declares is part of the forms of those who use it. */
const language = new Set(['schema.ts']);

function formOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('form' in value)) return undefined;
  return typeof value.form === 'string' ? value.form : undefined;
}

async function forms(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !language.has(name))) {
    const exports = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exports)) {
      const form = formOf(value);
      if (form !== undefined) found[`${file.replace('.ts', '')} ${name}`] = blake3Digest(utf8(form)).slice(0, 16);
    }
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('no message changed without a line in protocol.ts', async () => {
  const now = await forms();
  assert.ok(Object.keys(now).length > 20);
  assert.equal(pinned.protocolVersion, protocolVersion);
  assert.deepEqual(now, pinned.forms, `the wire changed; its forms are now ${JSON.stringify(now, null, 2)}`);
});
