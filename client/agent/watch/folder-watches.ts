/**
 * One `fs.watch` for each folder of a tree.
 *
 * A folder is watched before it is listed, so what is made in it in between is either listed or told. What comes or goes in a folder is looked
 * at: a new folder is watched with all below it; one that is gone, or is another one under its old name (another inode), is let go
 * of. When the system refuses a watch (ENOSPC: fs.inotify.max_user_watches; EMFILE: max_user_instances), all of them are given up:
 * half a tree that is watched is worse than none that is known not to be.
 *
 * Not told: that the queue of the system ran over (libuv drops that event). A storm of changes is answered by `refresh`.
 */
import { type FSWatcher, type Stats, lstatSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import type { IsIgnored } from './node-watcher.ts';
import type { WatchListener, Watcher } from './watcher.ts';

/** About a kilobyte each, in this process and in the kernel. */
const foldersMax = 250_000;
/** Folders between two breaths: other work of the process goes on meanwhile. */
const breathFolders = 500;

interface Watched {
  readonly watcher: FSWatcher;
  readonly ino: number;
  readonly dev: number;
}

/** Undefined for what is not there, or not to be looked at. */
function lstatFolder(path: string): Stats | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isDirectory() === true ? stat : undefined;
  } catch {
    return undefined;
  }
}

const adviceOf: Readonly<Record<string, string>> = {
  ENOSPC:
    'more folders than this system lets one user watch; raise fs.inotify.max_user_watches (see docs/operations.md)',
  EMFILE: 'too many programs of this user watch folders; raise fs.inotify.max_user_instances (see docs/operations.md)',
};

class FolderWatches implements Watcher {
  readonly #root: string;
  readonly #dev: number;
  readonly #listener: WatchListener;
  readonly #isIgnored: IsIgnored;
  readonly #watched = new Map<string, Watched>();
  #isOver = false;

  constructor(root: string, dev: number, listener: WatchListener, isIgnored: IsIgnored) {
    this.#root = root;
    this.#dev = dev;
    this.#listener = listener;
    this.#isIgnored = isIgnored;
  }

  get folders(): number {
    return this.#watched.size;
  }

  /** Everything below a folder, itself included, that is not watched yet; paths are relative, '' is the root. */
  async cover(path: string): Promise<void> {
    const open = [path];
    for (let done = 1; open.length > 0 && !this.#isOver; done++) {
      open.push(...this.#enter(open.pop()!));
      if (done % breathFolders === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async refresh(): Promise<void> {
    await this.cover('');
    for (const path of this.#watched.keys()) if (!this.#isSame(path)) this.#release(path);
  }

  close(): void {
    this.#isOver = true;
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  /** Watches one folder and lists it: the folders in it. */
  #enter(path: string): string[] {
    if (!this.#isSame(path)) {
      this.#release(path);
      if (!this.#add(path)) return [];
    }
    try {
      const entries = readdirSync(join(this.#root, path), { withFileTypes: true });
      const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      return folders.filter((name) => this.#isWanted(path, name)).map((name) => inFolder(path, name));
    } catch {
      // Gone again, or not to be read: the scan tells.
      return [];
    }
  }

  #isWanted(path: string, name: string): boolean {
    return !(path === '' && name === controlFolder) && !this.#isIgnored(inFolder(path, name));
  }

  #isSame(path: string): boolean {
    const known = this.#watched.get(path);
    if (known === undefined) return false;
    const stat = lstatFolder(join(this.#root, path));
    return stat !== undefined && stat.ino === known.ino && stat.dev === known.dev;
  }

  #add(path: string): boolean {
    const absolute = join(this.#root, path);
    const stat = lstatFolder(absolute);
    // What is mounted inside is not synced either.
    if (stat === undefined || stat.dev !== this.#dev) return false;
    if (this.#watched.size >= foldersMax) {
      this.#lose(`it has more than ${foldersMax} folders`);
      return false;
    }
    try {
      const watcher = watch(absolute, (event, name) => this.#tell(path, event, name));
      watcher.on('error', (error) => this.#fail(error));
      this.#watched.set(path, { watcher, ino: stat.ino, dev: stat.dev });
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #tell(path: string, event: string, name: string | null): void {
    if (this.#isOver || (path === '' && name === controlFolder)) return;
    this.#listener.changed(name === null ? undefined : inFolder(path, name));
    if (event !== 'rename') return;
    // Without a name, or with its own when it was deleted itself: look at all of it.
    if (name === null || !this.#isSame(path)) void this.cover(path);
    else if (this.#isWanted(path, name)) void this.#look(inFolder(path, name));
  }

  /** Something of this path came or went. */
  async #look(path: string): Promise<void> {
    if (lstatFolder(join(this.#root, path)) === undefined) return this.#release(path);
    await this.cover(path);
    // What is in it by now may have come before it was watched.
    if (!this.#isOver) this.#listener.changed(path);
  }

  /** A folder and all below it. */
  #release(path: string): void {
    if (!this.#watched.has(path)) return;
    for (const [other, { watcher }] of this.#watched) {
      if (other !== path && path !== '' && !other.startsWith(`${path}/`)) continue;
      watcher.close();
      this.#watched.delete(other);
    }
  }

  /** What vanished between lstat and watch is nothing. */
  #fail(error: unknown): void {
    const { code, message } = (error instanceof Error ? error : new Error(String(error))) as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EPERM') return;
    this.#lose(adviceOf[code ?? ''] ?? message);
  }

  #lose(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.lost(reason);
  }
}

function inFolder(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

export async function startFolderWatches(
  root: string,
  listener: WatchListener,
  isIgnored: IsIgnored,
): Promise<Watcher> {
  const watches = new FolderWatches(root, lstatFolder(root)?.dev ?? 0, listener, isIgnored);
  await watches.cover('');
  return watches;
}
