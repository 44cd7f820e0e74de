/** A folder tree as a user sees it: everything but the control folder. */
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';

export type Item =
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly kind: 'folder' }
  | { readonly kind: 'symlink'; readonly target: string };

/** Items by path relative to the root, folders before what is in them. */
export type Tree = ReadonlyMap<string, Item>;

/** Where every simulated device has its synced folder. */
export const root = '/sync';
/** Beside it: the agent has no business there. */
export const outside = '/outside';

export function readTree(fs: SimulatedFileSystem, from: string = root): Tree {
  const tree = new Map<string, Item>();
  const queue = [''];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    const { names } = fs.list(folder === '' ? from : `${from}/${folder}`);
    for (const name of [...names].sort()) {
      if (folder === '' && name === controlFolder) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      const item = readItem(fs, `${from}/${path}`);
      if (item === undefined) continue;
      tree.set(path, item);
      if (item.kind === 'folder') queue.push(path);
    }
  }
  return tree;
}

function readItem(fs: SimulatedFileSystem, path: string): Item | undefined {
  const stat = fs.lstat(path);
  switch (stat?.kind) {
    case 'file':
      return { kind: 'file', bytes: fs.readFile(path), mode: stat.mode };
    case 'folder':
      return { kind: 'folder' };
    case 'symlink':
      return { kind: 'symlink', target: fs.readLink(path) };
    default:
      return undefined;
  }
}

export function filesOf(tree: Tree): Uint8Array[] {
  return [...tree.values()].flatMap((item) => (item.kind === 'file' ? [item.bytes] : []));
}

/** Every difference, one line each; `say` names contents. */
export function differences(a: Tree, b: Tree, say: (bytes: Uint8Array) => string): string[] {
  const lines: string[] = [];
  const text = (item: Item | undefined): string => {
    if (item === undefined) return 'nothing';
    if (item.kind === 'folder') return 'folder';
    if (item.kind === 'symlink') return `link to ${item.target}`;
    return `${say(item.bytes)}${item.mode === 0 ? '' : ` mode ${item.mode.toString(8)}`}`;
  };
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [left, right] = [text(a.get(path)), text(b.get(path))];
    if (left !== right) lines.push(`${path}: ${left} <> ${right}`);
  }
  return lines;
}
