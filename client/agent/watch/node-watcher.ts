/**
 * Watchers of this machine. Linux has no watch of a whole tree: Node's recursive one takes an inotify watch for each file, and libraries go
 * blind below `mkdir -p` and folders that were moved in (parcel-bundler/watcher#97, #243). So there it is one `fs.watch` for each
 * folder, and a listing when something in a folder came or went. macOS and Windows watch trees themselves.
 */
import { watch } from 'node:fs';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import { startFolderWatches } from './folder-watches.ts';
import type { StartWatcher } from './watcher.ts';

/** Whether what is below a folder need not be watched: paths relative to the root, `/`-separated. */
export type IsIgnored = (path: string) => boolean;

export function createStartWatcher(isIgnored: IsIgnored = () => false): StartWatcher {
  if (process.platform === 'linux') return (root, listener) => startFolderWatches(root, listener, isIgnored);
  return async (root, listener) => {
    const lose = (error: Error): void => listener.lost(`the system stopped telling of changes: ${error.message}`);
    try {
      const watcher = watch(root, { recursive: true }, (_event, name) => {
        const path = name?.replaceAll('\\', '/');
        if (path?.split('/', 1)[0] !== controlFolder) listener.changed(path);
      });
      watcher.on('error', lose);
      return { folders: 1, refresh: () => Promise.resolve(), close: () => watcher.close() };
    } catch (error) {
      lose(error instanceof Error ? error : new Error(String(error)));
      return { folders: 0, refresh: () => Promise.resolve(), close: () => undefined };
    }
  };
}
