/** Metadata in one SQLite file, for a machine that is its own cloud. Durability and sharing are explained in database.ts. */
import type { MetadataStore } from '../../ports/metadata-store.ts';
import { openDatabase } from './database.ts';
import { createSqliteChunkIndex } from './sqlite-chunk-index.ts';
import { createSqliteDeviceStore } from './sqlite-device-store.ts';
import { createSqliteJournalStore } from './sqlite-journal-store.ts';
import { createSqliteObjectStore } from './sqlite-object-store.ts';
import { createSqliteSessionStore } from './sqlite-session-store.ts';
import { createSqliteWorkspaceStore } from './sqlite-workspace-store.ts';

export interface SqliteMetadataStore extends MetadataStore {
  /** Closes the file. Nothing is lost without it: it only folds the write-ahead log into the file. */
  close(): void;
}

/**
 * Opens the store in `file`, whose folder exists, making or migrating the file as needed; `:memory:` gives a private one
 * that dies with the process. Throws `unsupported` for a file of a newer version, `corrupt` for one that is not SQLite.
 */
export function createSqliteMetadataStore(options: { readonly file: string }): SqliteMetadataStore {
  const database = openDatabase(options.file);
  return {
    workspaces: createSqliteWorkspaceStore(database),
    devices: createSqliteDeviceStore(database),
    sessions: createSqliteSessionStore(database),
    chunks: createSqliteChunkIndex(database),
    objects: createSqliteObjectStore(database),
    journal: createSqliteJournalStore(database),
    close: () => database.close(),
  };
}
