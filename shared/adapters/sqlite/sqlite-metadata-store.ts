/** Metadata in one SQLite file, for a machine that is its own cloud. Durability and sharing are explained in database.ts. */
import type { MetadataStore } from '../../ports/metadata-store.ts';
import { openDatabase } from './database.ts';
import { createSqlitePurge } from './purge-workspace.ts';
import { createSqliteChunkIndex } from './sqlite-chunk-index.ts';
import { createSqliteDeviceStore } from './sqlite-device-store.ts';
import { createSqliteJournalStore } from './sqlite-journal-store.ts';
import { createSqliteLeaseStore } from './sqlite-lease-store.ts';
import { createSqliteObjectStore } from './sqlite-object-store.ts';
import { createSqlitePresenceStore } from './sqlite-presence-store.ts';
import { createSqliteQuarantineStore } from './sqlite-quarantine-store.ts';
import { createSqliteSessionStore } from './sqlite-session-store.ts';
import { createSqliteVersionStore } from './sqlite-version-store.ts';
import { createSqliteWorkspaceStore } from './sqlite-workspace-store.ts';
import { createWriteGroup } from './write-group.ts';

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
  const write = createWriteGroup(database);
  return {
    purgeWorkspace: createSqlitePurge(database),
    workspaces: createSqliteWorkspaceStore(database),
    devices: createSqliteDeviceStore(database),
    sessions: createSqliteSessionStore(database, write),
    chunks: createSqliteChunkIndex(database, write),
    objects: createSqliteObjectStore(database, write),
    journal: createSqliteJournalStore(database, write),
    versions: createSqliteVersionStore(database, write),
    quarantine: createSqliteQuarantineStore(database),
    leases: createSqliteLeaseStore(database),
    presence: createSqlitePresenceStore(database, write),
    close: () => database.close(),
  };
}
