/** Two versions of one file by lines: of the workspace, or the workspace's and this disk's. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { concatBytes } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { Digest } from '../../shared/core/ids.ts';
import { bytesToText as decodeText, mergeBytesMax } from '../agent/merge/merge-contents.ts';
import { type CliContext, bytesToText } from './context.ts';
import type { DiffOptions } from './diff.ts';
import { openFileAt } from './file-at.ts';
import { getPoint, splitPoint, systemZone } from './history-point.ts';
import { pathToText } from './open-history.ts';
import { unifiedDiff } from './unified-diff.ts';
import { usageError } from './usage-error.ts';

interface Version {
  readonly label: string;
  readonly size: number;
  /** Of the bytes; equal for equal contents that were both read. */
  readonly hash: Digest | undefined;
  /** Undefined over 4 MiB: those are not compared by lines. */
  readonly bytes: Uint8Array | undefined;
  /** In the workspace: the root of the content. */
  readonly root: Digest | undefined;
}

async function readVersion(context: CliContext, options: DiffOptions, text: string): Promise<Version> {
  const { file, opened, at, path } = await openFileAt(context, options, text);
  const { size, content } = file;
  const label = `${pathToText(path)}@${at.seq}`;
  if (size > mergeBytesMax) return { label, size, hash: undefined, bytes: undefined, root: content };
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.read(file)) pieces.push(piece.slice());
  const bytes = concatBytes(...pieces);
  return { label, size, hash: blake3Digest(bytes), bytes, root: content };
}

function readLocal(text: string): Version {
  const path = resolve(text);
  const { size } = statSync(path);
  if (size > mergeBytesMax) return { label: path, size, hash: undefined, bytes: undefined, root: undefined };
  const bytes = new Uint8Array(readFileSync(path));
  return { label: path, size, hash: blake3Digest(bytes), bytes, root: undefined };
}

/** The two that are meant: `b` may be a point alone, of the same file. */
async function readBoth(
  context: CliContext,
  options: DiffOptions,
  a: string,
  b: string | undefined,
): Promise<readonly [Version, Version]> {
  const nowMs = Date.now();
  const { path, point } = splitPoint(a, nowMs);
  if (b !== undefined) {
    const isPoint = getPoint(b, nowMs, systemZone) !== undefined;
    const second = isPoint ? `${path}@${b}` : b;
    return [await readVersion(context, options, a), await readVersion(context, options, second)];
  }
  if (point !== undefined)
    return [await readVersion(context, options, a), await readVersion(context, options, `${path}@now`)];
  if (options.workspace !== undefined) {
    throw usageError(`say which versions: \`tide diff ${a}@12 ${a}@15\`; \`tide history\` lists them`);
  }
  return [await readVersion(context, options, a), readLocal(a)];
}

/** Undefined where it cannot be told without reading more than is read here. */
function areSame(a: Version, b: Version): boolean | undefined {
  if (a.size !== b.size) return false;
  if (a.hash !== undefined && b.hash !== undefined) return a.hash === b.hash;
  return a.root !== undefined && b.root !== undefined ? a.root === b.root : undefined;
}

function whyNoLines(a: Version, b: Version): string {
  const sizes = `${bytesToText(a.size)} and ${bytesToText(b.size)}`;
  const isLarge = a.bytes === undefined || b.bytes === undefined;
  const limit = `more than ${bytesToText(mergeBytesMax)} are not compared by lines`;
  return isLarge
    ? `${a.label} and ${b.label} have ${sizes}; ${limit}`
    : `${a.label} and ${b.label} differ (no text; ${sizes})`;
}

export async function diffFile(
  context: CliContext,
  options: DiffOptions,
  a: string,
  b: string | undefined,
): Promise<void> {
  const [before, after] = await readBoth(context, options, a, b);
  const same = areSame(before, after);
  const texts = [before.bytes, after.bytes].map((bytes) => (bytes === undefined ? undefined : decodeText(bytes)));
  const isText = texts[0] !== undefined && texts[1] !== undefined;
  const lines = isText && same !== true ? unifiedDiff(texts[0]!, texts[1]!) : [];
  const shown = lines.slice(0, options.limit);
  const describe = ({ label, size, root }: Version) => ({ label, size, root: root ?? null });
  const data = {
    before: describe(before),
    after: describe(after),
    same: same ?? null,
    lines: isText ? shown : null,
    truncated: shown.length < lines.length,
  };
  context.print(options, data, () => {
    if (same === true) return [];
    return isText ? [`--- ${before.label}`, `+++ ${after.label}`, ...shown] : [whyNoLines(before, after)];
  });
  if (same === true) context.note(options, `${before.label} and ${after.label} are equal.`);
  if (data.truncated) context.note(options, `There is more: --limit shows more than ${options.limit} lines.`);
}
