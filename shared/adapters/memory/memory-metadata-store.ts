/**
 * Metadata in memory, for tests and the simulation: deterministic, and atomic because every method does its work in one
 * synchronous step. Bytes are copied in and out, so that no caller can change what is stored.
 */
import type { MetadataStore } from '../../ports/metadata-store.ts';
import { MemoryChunkIndex } from './memory-chunk-index.ts';
import { MemoryJournalStore } from './memory-journal-store.ts';
import { createMemoryLeaseStore } from './memory-lease-store.ts';
import { MemoryObjectStore } from './memory-object-store.ts';
import { MemoryPresenceStore } from './memory-presence-store.ts';
import { MemoryQuarantineStore } from './memory-quarantine-store.ts';
import { MemorySessionStore, MemoryWorkspaceStore, createMemoryDeviceStore } from './memory-records.ts';
import { MemoryVersionStore } from './memory-version-store.ts';

/** An empty store. */
export function createMemoryMetadataStore(): MetadataStore {
  const journal = new MemoryJournalStore();
  const workspaces = new MemoryWorkspaceStore(journal);
  const sessions = new MemorySessionStore();
  const chunks = new MemoryChunkIndex();
  const objects = new MemoryObjectStore();
  const versions = new MemoryVersionStore();
  const quarantine = new MemoryQuarantineStore();
  const presence = new MemoryPresenceStore();
  return {
    purgeWorkspace: async (workspaceId, limit) => {
      let left = limit;
      for (const store of [chunks, objects, journal, sessions, versions, quarantine, presence]) {
        left -= store.purge(workspaceId, left);
        if (left <= 0) return 'more';
      }
      workspaces.remove(workspaceId);
      return 'done';
    },
    workspaces,
    devices: createMemoryDeviceStore(),
    sessions,
    chunks,
    objects,
    journal,
    versions,
    quarantine,
    leases: createMemoryLeaseStore(),
    presence,
  };
}
