/** `tide conflicts show FILE`: what differs between a conflict copy and its original, as both are on this disk. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { bytesToText as decodeText, mergeBytesMax } from '../agent/merge/merge-contents.ts';
import { type ConflictSide, type ConflictView, conflictsAction } from './actions/conflicts.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, bytesToText, nameToText } from './context.ts';
import { resolveLinkedPaths } from './linked-paths.ts';
import { runAction } from './run-action.ts';
import { unifiedDiff } from './unified-diff.ts';

interface Difference {
  /** Null where it cannot be told without reading more than is read here. */
  readonly same: boolean | null;
  /** Of a unified diff from the original to the copy; null where one of them is no text of at most 4 MiB. */
  readonly lines: readonly string[] | null;
}

/** Undefined for what is no file, or larger than what is compared. */
function readSide(folder: string, { path, kind, size }: ConflictSide): Uint8Array | undefined {
  if (kind !== 'file' || size > mergeBytesMax) return undefined;
  const handle = openSync(join(folder, path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    return fstatSync(handle).size > mergeBytesMax ? undefined : new Uint8Array(readFileSync(handle));
  } finally {
    closeSync(handle);
  }
}

function compare(folder: string, original: ConflictSide, copy: ConflictSide): Difference {
  const [before, after] = [readSide(folder, original), readSide(folder, copy)];
  if (before === undefined || after === undefined) {
    return { same: original.kind !== copy.kind || original.size !== copy.size ? false : null, lines: null };
  }
  if (equalBytes(before, after)) return { same: true, lines: [] };
  const [beforeText, afterText] = [decodeText(before), decodeText(after)];
  const lines = beforeText === undefined || afterText === undefined ? null : unifiedDiff(beforeText, afterText);
  return { same: false, lines };
}

function sideToText({ path, kind, size, modified }: ConflictSide): string {
  const what = kind === 'folder' ? 'folder' : kind === 'symlink' ? 'link' : bytesToText(size);
  return `${nameToText(path)}\t${what}, ${modified}`;
}

function toLines(conflict: ConflictView, { same, lines }: Difference): string[] {
  const { original, copy, device, date } = conflict;
  if (original === null)
    return [sideToText(copy), `An edit by ${nameToText(device)} of ${date}. The original is gone.`];
  const head = [`--- ${sideToText(original)}`, `+++ ${sideToText(copy)}, by ${nameToText(device)} on ${date}`];
  if (same === true) return [...head, 'Both have the same content.'];
  return [...head, ...(lines ?? ['They are not compared by lines: no text of at most 4 MiB.'])];
}

export const conflictsShowCommand: DefineCommand = (context) =>
  newCommand('show', 'show what differs between a conflict copy and its original', [
    'tide conflicts show "plan (conflicted copy of laptop 2026-11-22).txt"',
    'tide conflicts show plan.txt --json | jq .differences',
  ])
    .argument('<file>', 'a conflict copy, or a file that has some')
    .action(async (text: string, options: OutputOptions) => {
      const { folder, paths } = resolveLinkedPaths([text]);
      const { conflicts } = await runAction(context, options, folder, conflictsAction, { settledToo: false });
      const found = conflicts.filter(({ copy, original }) => copy.path === paths[0] || original?.path === paths[0]);
      if (found.length === 0) {
        throw new TidemarkError(
          'not-found',
          `${text} is in no conflict; \`tide conflicts\` lists those that there are`,
        );
      }
      const differences = found.map((conflict) => ({
        ...conflict,
        ...(conflict.original === null
          ? { same: null, lines: null }
          : compare(folder, conflict.original, conflict.copy)),
      }));
      context.print(options, { folder, differences }, () => differences.flatMap((each) => toLines(each, each)));
    });
