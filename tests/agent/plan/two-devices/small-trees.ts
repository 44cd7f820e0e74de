/**
 * Every small tree, and all that a user can make of one with two acts. Trees that differ only in which of two alike nodes is which
 * are one tree; acts that lead to one state are one case, since the planner sees states.
 */
import { type NodeId, rootNodeId } from '../../../../shared/core/ids.ts';
import { aliasKey } from '../../../../shared/core/paths/alias-key.ts';
import type { Place } from '../../../../shared/core/tree/keys.ts';
import { type Tree, entryOf, idOf } from '../model.ts';

/** A node with what is under it; files have nothing. */
interface Form {
  readonly kind: 'file' | 'folder';
  readonly under: readonly Form[];
}

function formText({ kind, under }: Form): string {
  return kind === 'file' ? 'f' : `(${under.map(formText).join('')})`;
}

/** All sets of forms with `nodes` nodes together, each form not greater than `most`. */
function forestsOf(nodes: number, most?: string): readonly (readonly Form[])[] {
  if (nodes === 0) return [[]];
  const forests: (readonly Form[])[] = [];
  for (let size = 1; size <= nodes; size++) {
    for (const first of formsOf(size)) {
      if (most !== undefined && formText(first) > most) continue;
      for (const rest of forestsOf(nodes - size, formText(first))) forests.push([first, ...rest]);
    }
  }
  return forests;
}

function formsOf(nodes: number): readonly Form[] {
  const folders = forestsOf(nodes - 1).map((under): Form => ({ kind: 'folder', under }));
  return nodes === 1 ? [{ kind: 'file', under: [] }, ...folders] : folders;
}

/** Every tree of this many nodes. Names are a, b, … in each folder; each file has a content of its own. */
export function treesOf(nodes: number): Tree[] {
  return forestsOf(nodes).map((forest) => {
    const tree: Tree = new Map();
    const place = (forms: readonly Form[], parentId: NodeId): void => {
      for (const [i, { kind, under }] of forms.entries()) {
        const id = idOf(tree.size + 1);
        tree.set(id, { parentId, name: 'abcd'[i]!, entry: entryOf(id, kind, `text ${tree.size + 1}`) });
        place(under, id);
      }
    };
    place(forest, rootNodeId);
    return tree;
  });
}

function isUnder(tree: Tree, id: NodeId, above: NodeId): boolean {
  for (let at: NodeId | undefined = id; at !== undefined; at = tree.get(at)?.parentId) if (at === above) return true;
  return false;
}

/** Who acts: ids and words of the new are theirs; `same` is what both users may write. */
export interface Author {
  readonly firstNew: number;
  readonly words: readonly string[];
  /** What they rename things to. */
  readonly names: readonly string[];
  /** Never two of one key in one folder. */
  readonly nameKey: (name: string) => string;
}

function isTaken(tree: Tree, place: Place, { nameKey }: Author, by?: NodeId): boolean {
  for (const [id, node] of tree) {
    if (id !== by && node.parentId === place.parentId && nameKey(node.name) === nameKey(place.name)) return true;
  }
  return false;
}

function* added(tree: Tree, author: Author): Generator<Tree> {
  const { firstNew, words } = author;
  let n = firstNew;
  while (tree.has(idOf(n))) n++;
  for (const parentId of foldersOf(tree)) {
    if (isTaken(tree, { parentId, name: 'n' }, author)) continue;
    const add = (kind: 'file' | 'folder', text: string): Tree =>
      new Map(tree).set(idOf(n), { parentId, name: 'n', entry: entryOf(idOf(n), kind, text) });
    yield add('folder', '');
    for (const word of words) yield add('file', word);
  }
}

function foldersOf(tree: Tree): NodeId[] {
  return [
    rootNodeId,
    ...[...tree.values()].filter(({ entry }) => entry.kind === 'folder').map(({ entry }) => entry.nodeId),
  ];
}

function* edited(tree: Tree, { words }: Author): Generator<Tree> {
  for (const [id, node] of tree) {
    if (node.entry.kind !== 'file') continue;
    for (const word of words) yield new Map(tree).set(id, { ...node, entry: entryOf(id, 'file', word) });
  }
}

function* deleted(tree: Tree): Generator<Tree> {
  for (const id of tree.keys()) yield new Map([...tree].filter(([each]) => !isUnder(tree, each, id)));
}

function* moved(tree: Tree, author: Author): Generator<Tree> {
  for (const [id, node] of tree) {
    for (const parentId of foldersOf(tree)) {
      if (isUnder(tree, parentId, id)) continue;
      for (const name of new Set([node.name, ...author.names])) {
        const isThere = node.parentId === parentId && node.name === name;
        if (isThere || isTaken(tree, { parentId, name }, author, id)) continue;
        yield new Map(tree).set(id, { ...node, parentId, name });
      }
    }
  }
}

function* acted(tree: Tree, author: Author): Generator<Tree> {
  yield* added(tree, author);
  yield* edited(tree, author);
  yield* deleted(tree);
  yield* moved(tree, author);
}

function textOf(tree: Tree): string {
  return [...tree]
    .map(([id, { parentId, name, entry }]) => `${id} ${parentId} ${name} ${entry.kind === 'file' ? entry.content : ''}`)
    .sort()
    .join();
}

/** Every state that at most `acts` acts of an author lead to, the tree itself first. */
export function statesAfter(tree: Tree, author: Author, acts: number): Tree[] {
  const states = new Map([[textOf(tree), tree]]);
  let newest = [tree];
  for (let act = 0; act < acts; act++) {
    const next: Tree[] = [];
    for (const state of newest) {
      for (const after of acted(state, author)) {
        const text = textOf(after);
        if (states.has(text)) continue;
        states.set(text, after);
        next.push(after);
      }
    }
    newest = next;
  }
  return [...states.values()];
}

const anyNames = { names: ['a', 'n'], nameKey: (name: string) => name } as const;

export const authors = {
  mine: { firstNew: 20, words: ['same', 'mine'], ...anyNames },
  theirs: { firstNew: 40, words: ['same', 'theirs'], ...anyNames },
  /** Gives only names that a disk which folds case can hold side by side. */
  ofFoldable: { firstNew: 20, words: ['mine'], names: ['a', 'A', 'B', 'n'], nameKey: aliasKey },
} as const satisfies Readonly<Record<string, Author>>;
