/**
 * Being told of changes in a folder. A hint and no more: the scan is the truth, and finds at its next turn what nobody told.
 *
 * Owed: a change below the root, made after `start` resolved, is told by `changed` soon, also one in folders that were made or moved
 * in since, or `lost` is called. Not owed: that each is told, that its path is, that none is told twice, or that it was not our own doing.
 * Changes inside the control folder are not told.
 */
export interface WatchListener {
  /** `path`: relative to the root, `/`-separated; undefined where it is not known. */
  changed(path?: string): void;
  /** From now on nothing is told. `reason`: what happened and what helps, for a person. */
  lost(reason: string): void;
}

export interface Watcher {
  /** Folders that are watched now. */
  readonly folders: number;
  /** Looks for folders that are not watched yet: after a storm of changes the system may have dropped some. */
  refresh(): Promise<void>;
  close(): void;
}

/** Resolves when everything below `root` is watched, or `lost` was called. Never rejects. */
export type StartWatcher = (root: string, listener: WatchListener) => Promise<Watcher>;
