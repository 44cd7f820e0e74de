/** One changed file or folder, for people and for scripts. */
import type { Entry } from '../../shared/core/tree/entry.ts';
import type { NamedChange } from '../agent/history/tree-changes.ts';
import { bytesToText, nameToText } from './context.ts';

const signs = { added: '+', removed: '-', edited: '~', moved: '>', 'moved-and-edited': '>', touched: '.' } as const;

function shown(path: string | undefined, entry: Entry | undefined): string {
  const text = nameToText(path ?? '?');
  return entry?.kind === 'folder' ? `${text}/` : text;
}

function sizeOf(entry: Entry | undefined): number | null {
  return entry?.kind === 'file' ? entry.size : null;
}

/** `+ a.txt (3 B)`, `~ a.txt (3 B -> 5 B)`, `> old -> new`. */
export function changeToText({ kind, from, to, before, after }: NamedChange): string {
  const [sizeBefore, sizeAfter] = [sizeOf(before?.entry), sizeOf(after?.entry)];
  const entry = after?.entry ?? before?.entry;
  const sizes = [sizeBefore, sizeAfter].flatMap((size) => (size === null ? [] : [bytesToText(size)]));
  const size = sizes.length === 0 || kind === 'moved' || kind === 'touched' ? '' : ` (${sizes.join(' -> ')})`;
  const place = kind.startsWith('moved') ? `${shown(from, entry)} -> ${shown(to, entry)}` : shown(to ?? from, entry);
  return `${signs[kind]} ${place}${size}`;
}

export function changeToJson({ kind, nodeId, from, to, before, after }: NamedChange): Record<string, unknown> {
  const entry = after?.entry ?? before?.entry;
  return {
    change: kind,
    nodeId,
    kind: entry?.kind,
    from: from ?? null,
    to: to ?? null,
    sizeBefore: sizeOf(before?.entry),
    sizeAfter: sizeOf(after?.entry),
  };
}
