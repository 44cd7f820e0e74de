/**
 * What a walk leaves out though it could be synced: what rules ignore (rules.ts), and what lies where something belongs that this
 * device chose not to have (select/selection.ts). Neither is a difference, and nothing of it is told, read or touched.
 *
 * - Rules concern only what neither the merge base nor the workspace knows. So a rule cannot delete anything, and two devices where
 *   only one has the rule agree. A new node that waits to be told is none that they know: a rule drops it.
 * - A known node that was moved to an ignored name by itself stays synced, there. One that was moved into an ignored folder left the
 *   synced folder: nobody looks in there.
 * - An ignored folder is walked only if it is known. What is new in it is ignored with it.
 * - A new folder with nothing in it but what is ignored is ignored too: it would come back on the server as an empty one from
 *   every device where such a folder outlived its deletion.
 * - While the rules of a folder cannot be read or taken, nothing new is taken from it or from below it. What was uploaded by mistake (a
 *   password, half a million files of a build) cannot be had back from other devices; what waits can be sent a minute later.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import { errorToProblem } from '../folder/file-problem.ts';
import { joinPath } from '../journal/paths.ts';
import type { LocalKnowledge, Problem } from '../ports.ts';
import { readRules } from './read-rules.ts';
import { FolderRules, rulesName } from './rules.ts';

export type LeftOut = 'ignored' | 'excluded';

/** Something new, or that nobody was told of yet. */
export interface NewThing {
  readonly path: string;
  readonly parentId: NodeId;
  readonly name: string;
  readonly stat: FileStat;
}

interface Scope {
  readonly rules: FolderRules;
  /** Everything new in it and below is left out. */
  readonly isClosed: boolean;
}

/** What is asked of the agent's knowledge. */
export type LeftOutKnowledge = Pick<
  LocalKnowledge,
  'byInode' | 'hasUnselected' | 'isUnselectedAt' | 'isTracked' | 'inWorkspace'
>;

export interface LeftOutSetting {
  readonly fs: FileSystem;
  readonly root: string;
  readonly known: LeftOutKnowledge;
  readonly problem: (problem: Problem) => void;
}

const open: Scope = { rules: FolderRules.none, isClosed: false };

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

const nothingKnown: LeftOutKnowledge = {
  byInode: () => [],
  hasUnselected: () => false,
  isUnselectedAt: () => false,
  isTracked: () => false,
  inWorkspace: () => undefined,
};

/**
 * Whether a folder that nothing synced is left in holds something, and only what rules ignore: then it stays on this disk when it goes
 * everywhere else, and is no folder of the workspace any more.
 */
export function isHeldByIgnored(fs: FileSystem, root: string, folder: string): boolean {
  const rules = new LeftOutRules({ fs, root, known: nothingKnown, problem: () => undefined });
  const names = folder.split('/');
  for (let depth = 0; depth < names.length; depth++) rules.enter(names.slice(0, depth).join('/'), [rulesName]);
  return rules.holdsOnlyIgnored(folder);
}

export class LeftOutRules {
  readonly #setting: LeftOutSetting;
  /** Of folders whose scope is not that of the folder around them. */
  readonly #scopes = new Map<string, Scope>();
  /** What was left out, and nothing below it. */
  readonly #paths = new Set<string>();
  /** The folder that the workspace was asked about last. */
  readonly #hasUnselected: boolean;
  readonly #dev: number | undefined;
  #workspaceFolder: { readonly path: string; readonly nodeId: NodeId | undefined } = { path: '', nodeId: rootNodeId };

  constructor(setting: LeftOutSetting) {
    this.#setting = setting;
    this.#hasUnselected = setting.known.hasUnselected();
    this.#dev = setting.fs.lstat(setting.root)?.dev;
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** A folder is walked; `names` are in it. */
  enter(folder: string, names: readonly string[]): void {
    const scope = this.#scopeIn(folder, names, (fault) => {
      const path = joinPath(folder, rulesName);
      const detail = `${fault}; until it is set right, nothing new in its folder is synced`;
      this.#setting.problem({ path, code: 'rules', detail });
    });
    if (scope !== this.#scopeAround(folder)) this.#scopes.set(folder, scope);
  }

  /** Whether a new thing is left out, and why. Its folder was entered. */
  why(thing: NewThing): LeftOut | undefined {
    if (this.#hasUnselected && this.#setting.known.isUnselectedAt(thing)) return 'excluded';
    const scope = this.#scopeOf(parentOf(thing.path));
    return this.#isIgnoredIn(scope, thing) ? 'ignored' : undefined;
  }

  /** Whether there is something in a new folder, and all of it is ignored. A file of rules does not count. */
  holdsOnlyIgnored(folder: string): boolean {
    const { rules, isClosed } = this.#scopeOf(parentOf(folder));
    const isRuled = isClosed || !rules.isEmpty || this.#hasOwnRules(folder);
    return isRuled && this.#holdsOnlyIgnored(folder, this.#scopeOf(parentOf(folder))) === 'all';
  }

  /** From now on the thing is accounted for. */
  leave({ path, stat }: NewThing, why: LeftOut): void {
    this.#paths.add(path);
    if (why === 'ignored') return;
    if (stat.kind === 'folder' && this.holdsOnlyIgnored(path)) return;
    const detail = 'something that is excluded on this device belongs here: this stays as it is, and is not synced';
    this.#setting.problem({ path, code: 'excluded', detail });
  }

  /** Of a thing that was left out, and of all in it: a known node that was moved there counts as being where it was. */
  *inodesAt({ path, stat }: Pick<NewThing, 'path' | 'stat'>): Generator<FileStat> {
    yield stat;
    // Links are not followed: what they lead to is outside.
    if (stat.kind !== 'folder') return;
    for (const { at, stat: below } of this.#list(path)) yield* this.inodesAt({ path: at, stat: below });
  }

  #isIgnoredIn({ rules, isClosed }: Scope, { path, stat }: Pick<NewThing, 'path' | 'stat'>): boolean {
    if (!isClosed && (rules.isEmpty || !rules.isIgnored(path, stat.kind === 'folder'))) return false;
    return !this.#isInWorkspace(path);
  }

  #holdsOnlyIgnored(folder: string, around: Scope): 'all' | 'nothing' | 'other' {
    const entries = this.#list(folder);
    const names = entries.map(({ name }) => name);
    const scope = this.#scopeIn(folder, names, () => undefined, around);
    if (!scope.isClosed && scope.rules.isEmpty) return entries.length === 0 ? 'nothing' : 'other';
    let found: 'all' | 'nothing' = 'nothing';
    for (const { at, name, stat } of entries) {
      if (name === rulesName || stat.kind === 'other') continue;
      if (this.#isTracked(stat)) return 'other';
      if (!this.#isIgnoredIn(scope, { path: at, stat })) {
        if (stat.kind !== 'folder' || this.#holdsOnlyIgnored(at, scope) !== 'all') return 'other';
      }
      found = 'all';
    }
    return found;
  }

  #hasOwnRules(folder: string): boolean {
    const { fs, root } = this.#setting;
    try {
      return fs.lstat(joinPath(root, joinPath(folder, rulesName))) !== undefined;
    } catch (error) {
      errorToProblem(folder, error);
      return false;
    }
  }

  #isTracked(stat: FileStat): boolean {
    const { known } = this.#setting;
    return known.byInode(stat.ino, stat.dev).some((node) => node.kind === stat.kind && known.isTracked(node.nodeId));
  }

  /** What is in a folder, without other file systems that are mounted there. */
  #list(folder: string): { readonly at: string; readonly name: string; readonly stat: FileStat }[] {
    const { fs, root } = this.#setting;
    try {
      return fs.list(joinPath(root, folder)).names.flatMap((name) => {
        const at = joinPath(folder, name);
        const stat = at === controlFolder ? undefined : fs.lstat(joinPath(root, at));
        return stat === undefined || stat.dev !== this.#dev ? [] : [{ at, name, stat }];
      });
    } catch (error) {
      errorToProblem(folder, error);
      return [];
    }
  }

  #scopeIn(
    folder: string,
    names: readonly string[],
    fail: (fault: string) => void,
    around: Scope = this.#scopeAround(folder),
  ): Scope {
    const isIgnored = folder !== '' && !around.isClosed && around.rules.isIgnored(folder, true);
    const scope = isIgnored ? { ...around, isClosed: true } : around;
    if (scope.isClosed || !names.includes(rulesName)) return scope;
    const parsed = readRules(this.#setting.fs, this.#setting.root, folder);
    if (parsed === undefined) return scope;
    if (parsed.ok) return { ...scope, rules: scope.rules.with(folder, parsed.rules) };
    fail(parsed.fault);
    return { ...scope, isClosed: true };
  }

  #scopeAround(folder: string): Scope {
    return folder === '' ? open : this.#scopeOf(parentOf(folder));
  }

  #scopeOf(folder: string): Scope {
    for (let at = folder; ; at = parentOf(at)) {
      const scope = this.#scopes.get(at);
      if (scope !== undefined) return scope;
      if (at === '') return open;
    }
  }

  #isInWorkspace(path: string): boolean {
    const folder = parentOf(path);
    if (this.#workspaceFolder.path !== folder) {
      this.#workspaceFolder = { path: folder, nodeId: this.#nodeAt(folder) };
    }
    const parentId = this.#workspaceFolder.nodeId;
    const name = path.slice(path.lastIndexOf('/') + 1);
    return parentId !== undefined && this.#setting.known.inWorkspace({ parentId, name }) !== undefined;
  }

  #nodeAt(path: string): NodeId | undefined {
    let nodeId: NodeId | undefined = rootNodeId;
    for (const name of path === '' ? [] : path.split('/')) {
      nodeId = nodeId === undefined ? undefined : this.#setting.known.inWorkspace({ parentId: nodeId, name });
    }
    return nodeId;
  }
}
