/**
 * Random wire forms of a message, read off the text of its form (`Schema.form`), which knows nothing of JSON Schema: so the two
 * descriptions of a message are tested against each other.
 */
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { bytesToDigest, bytesToNodeId } from '../../../shared/core/ids.ts';
import { encodeEntry } from '../../../shared/core/tree/entry.ts';

type Wire = fc.Arbitrary<unknown>;

/** Top-level parts of a form: nothing inside brackets is split. */
function split(form: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < form.length; i++) {
    const character = form[i]!;
    if ('({['.includes(character)) depth++;
    else if (')}]'.includes(character)) depth--;
    else if (depth === 0 && character === separator) {
      parts.push(form.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, form.slice(from)].filter((part) => part !== '');
}

const bytesOf = (length: number): Wire => fc.uint8Array({ minLength: length, maxLength: length });

function text(bytesMax: number): Wire {
  const maxLength = Math.min(bytesMax, 40);
  return fc
    .string({ unit: 'binary', maxLength })
    .filter((made) => utf8(made).length <= bytesMax && made.isWellFormed());
}

const versionVector: Wire = fc
  .uniqueArray(fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 1, max: 9 })), {
    maxLength: 3,
    selector: ([device]) => Buffer.from(device).toString('hex'),
  })
  .map((pairs) => pairs.toSorted(([a], [b]) => Buffer.compare(a, b)));

const idBytes = bytesOf(16).map((made) => made as Uint8Array);
const entry: Wire = fc
  .tuple(idBytes, bytesOf(32), fc.constantFrom('file', 'folder', 'symlink', 'file with sum'), fc.nat())
  .map(([node, content, kind, size]) => {
    const digest = bytesToDigest(content as Uint8Array);
    const common = { nodeId: bytesToNodeId(node), version: [], mtimeMs: size - 1_000, mode: 0 };
    if (kind === 'folder') return encodeEntry({ kind, ...common });
    if (kind === 'symlink') return encodeEntry({ kind, ...common, target: `to/${size}` });
    const sum = kind === 'file' ? {} : { sha256: digest };
    return encodeEntry({ kind: 'file', ...common, size, content: digest, ...sum });
  });

function edits(key: string, value: string): Wire {
  const pairs = fc.array(fc.tuple(wireOf(key), wireOf(value)), { maxLength: 3 });
  return pairs.map((made) => [made.map(([each]) => each), made.map(([, each]) => each)]);
}

const ofNames: Readonly<Record<string, (inner: readonly string[], whole: string) => Wire>> = {
  text: ([max]) => text(Number(max)),
  integer: ([min, max]) => fc.integer({ min: Number(min), max: Number(max) }),
  bits: ([mask]) => fc.nat({ max: Number(mask) }).map((made) => made & Number(mask)),
  oneOf: (_, whole) => fc.nat({ max: whole.split('|').length - 1 }),
  bytes: ([max]) => fc.uint8Array({ maxLength: Math.min(Number(max), 70) }),
  digestColumn: ([max]) => fc.nat({ max: Math.min(Number(max), 3) }).chain((count) => bytesOf(count * 32)),
  list: ([item, max]) => fc.array(wireOf(item!), { maxLength: Math.min(Number(max), 3) }),
  optional: (_, whole) => fc.option(wireOf(whole), { nil: null }),
  version: () => versionVector,
  entry: () => entry,
  treeEdits: ([key, value]) => edits(key!, value!),
  variant: (_, whole) =>
    fc.oneof(...split(whole, '|').map((each, place) => kind(each.slice(each.indexOf('=') + 1), place))),
};

function kind(form: string, place: number): Wire {
  return wireOf(form).map((fields) => [place, ...(fields as unknown[])]);
}

const plain: Readonly<Record<string, Wire>> = {
  flag: fc.boolean(),
  digest: bytesOf(32),
  userId: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 }),
};

/** A message as msgpack has it, before encoding: arrays, numbers, texts and bytes. */
export function wireOf(form: string): Wire {
  if (Object.hasOwn(plain, form)) return plain[form]!;
  if (/^[a-z]\w*Id$/.test(form)) return bytesOf(16);
  const fields = /^[A-Z]\w*\{(.*)\}$/s.exec(form)?.[1];
  if (fields !== undefined) {
    return fc.tuple(...split(fields, ';').map((field) => wireOf(field.slice(field.indexOf(':') + 1))));
  }
  const [, name, inner] = /^(\w+)\((.*)\)$/s.exec(form) ?? [];
  const made = name === undefined ? undefined : ofNames[name];
  if (made === undefined) throw new Error(`no random value for the form ${form}`);
  return made(split(inner!, ','), inner!);
}
