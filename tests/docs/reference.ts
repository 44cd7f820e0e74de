/** The tables of docs/protocol.md as the code has them: chunking, messages, routes, errors, limits. */
import { errorToProblem } from '../../shared/api/problem.ts';
import { routes } from '../../shared/api/api.ts';
import { bytesToHex, concatBytes } from '../../shared/core/bytes.ts';
import { createChunker } from '../../shared/core/chunk/chunker.ts';
import type { MaskWords } from '../../shared/core/chunk/cut.ts';
import { gearTable, mustGetMask } from '../../shared/core/chunk/gear.ts';
import { profiles } from '../../shared/core/chunk/profiles.ts';
import { type ErrorCode, TidemarkError, errorCodes } from '../../shared/core/errors.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { limits } from '../../shared/core/limits.ts';
import { codecNumbers } from '../../shared/core/pack/codecs.ts';
import { treeEdits } from '../../shared/core/wire/journal-entry.ts';
import { presenceReport } from '../../shared/core/wire/presence.ts';
import { progressReport, realtimeEvent } from '../../shared/core/wire/realtime-event.ts';
import type { Schema } from '../../shared/core/wire/schema.ts';
import { staleOperation } from '../../shared/core/wire/stale-base.ts';

/** Rows as columns of text, two spaces between them. */
function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, `${cell}`.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => `${cell}`.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function gear(): string {
  return table([0, 1, 2, 127, 255].map((v) => [`gear[${v}]`, hex64(gearTable[v]!)]));
}

function masks(): string {
  return table(Array.from({ length: 21 }, (_, i) => [i + 5, hex64(mustGetMask(i + 5))]));
}

function mask({ high, low }: MaskWords): string {
  return hex64((BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(low)));
}

function profileTable(): string {
  const rows = Object.values(profiles).map(({ id, name, content, maxBytes, fileBytesMin, fileBytesMax }) => {
    const cut = content === undefined ? ['-', '-', maxBytes, '-', '-'] : [content.minBytes, content.avgBytes, maxBytes];
    const both = content === undefined ? [] : [mask(content.smallMask), mask(content.largeMask)];
    return [id, name, ...cut, ...both, fileBytesMin, fileBytesMax];
  });
  const head = ['id', 'name', 'min', 'avg', 'max', 'small mask', 'large mask', 'file bytes from', 'to'];
  return table([head, ...rows]);
}

function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The 262,144 bytes BLAKE3(u32le 0) || BLAKE3(u32le 1) || … || BLAKE3(u32le 8191), cut by profile 1. */
function cuts(): string {
  const input = concatBytes(...Array.from({ length: 8_192 }, (_, i) => blake3(u32le(i))));
  const chunker = createChunker();
  chunker.start(profiles.document);
  const rows: (string | number)[][] = [['at', 'length', 'BLAKE3']];
  let at = 0;
  const note = (chunk: Uint8Array): void => {
    rows.push([at, chunk.length, `${bytesToHex(blake3(chunk)).slice(0, 16)}…`]);
    at += chunk.length;
  };
  for (const chunk of chunker.push(input)) note(chunk);
  for (const chunk of chunker.finish()) note(chunk);
  return table(rows);
}

/** Top-level parts of a form: nothing inside brackets is split. */
function splitForm(form: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < form.length; i++) {
    const c = form[i]!;
    if ('({['.includes(c)) depth++;
    else if (')}]'.includes(c)) depth--;
    else if (depth === 0 && c === separator) {
      parts.push(form.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, form.slice(from)];
}

const nested = /([A-Z][A-Za-z]*)\{([^{}]*)\}/;

/** Takes every message out of a form, the innermost first, and leaves its name. */
function collectMessages(form: string, found: Map<string, string>): string {
  let rest = form;
  for (let match = nested.exec(rest); match !== null; match = nested.exec(rest)) {
    found.set(match[1]!, match[2]!);
    rest = rest.replace(match[0], match[1]!);
  }
  return rest;
}

function readable(form: string): string {
  return form
    .replaceAll('9007199254740991', '2^53-1')
    .replaceAll(/integer\((\d+),2\^53-1\)/g, 'integer($1..)')
    .replaceAll(/integer\((-?\d+),(\d+)\)/g, 'integer($1..$2)')
    .replaceAll('|', ' | ');
}

function nameOf(schema: Schema<unknown> | null): string {
  return schema === null ? '-' : collectMessages(schema.form, new Map());
}

function messages(): string {
  return messageTable(routes.flatMap(({ request, response }) => [request, response]));
}

/** Each message of some schemas, but those that are told elsewhere. */
function messageTable(schemas: readonly (Schema<unknown> | null)[], elsewhere: readonly string[] = []): string {
  const found = new Map<string, string>();
  for (const schema of schemas) if (schema !== null) collectMessages(schema.form, found);
  for (const name of elsewhere) found.delete(name);
  const blocks = [...found].map(([name, fields]) => {
    const rows = splitForm(fields, ';').map((field, i) => {
      const colon = field.indexOf(':');
      return [`  ${i}`, field.slice(0, colon), readable(field.slice(colon + 1)).replace(treeEdits.form, 'treeEdits')];
    });
    return `${name}\n${table(rows)}`;
  });
  return blocks.join('\n\n');
}

function routeTable(): string {
  const rows = routes.map(({ method, path, scope, request, response }) => [
    method,
    path,
    scope ?? '-',
    nameOf(request),
    nameOf(response),
  ]);
  return table([['method', 'path', 'scope', 'request', 'answer'], ...rows]);
}

function errorTable(): string {
  const rows = Object.entries(errorCodes).map(([code, title]) => {
    const error = new TidemarkError(code as ErrorCode, title);
    const { response } = errorToProblem(error, '-');
    return [response.status, code, error.retryable ? 'yes' : 'no', response.headers.get('retry-after') ?? '-', title];
  });
  rows.sort(([a], [b]) => Number(a) - Number(b));
  return table([['status', 'code', 'retryable', 'Retry-After', 'title'], ...rows]);
}

export function protocolReference(): Readonly<Record<string, string>> {
  return {
    gear: gear(),
    masks: masks(),
    profiles: profileTable(),
    cuts: cuts(),
    codecs: table(Object.entries(codecNumbers).map(([name, number]) => [number, name])),
    messages: messages(),
    'realtime-messages': messageTable([realtimeEvent, presenceReport, progressReport]),
    stale: messageTable([staleOperation], ['Place']),
    routes: routeTable(),
    errors: errorTable(),
    limits: table(Object.entries(limits).map(([name, value]) => [name, value])),
  };
}
