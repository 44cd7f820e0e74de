/**
 * Metadata in memory, for tests and the simulation: deterministic, and atomic because every method does its work in one
 * synchronous step. Bytes are copied in and out, so that no caller can change what is stored.
 */
import type { MetadataStore } from '../../ports/metadata-store.ts';
import { MemoryChunkIndex } from './memory-chunk-index.ts';
import { MemoryJournalStore } from './memory-journal-store.ts';
import { createMemoryObjectStore } from './memory-object-store.ts';
import { createMemoryDeviceStore, createMemorySessionStore, createMemoryWorkspaceStore } from './memory-records.ts';

/** An empty store. */
export function createMemoryMetadataStore(): MetadataStore {
  const journal = new MemoryJournalStore();
  return {
    workspaces: createMemoryWorkspaceStore(journal),
    devices: createMemoryDeviceStore(),
    sessions: createMemorySessionStore(),
    chunks: new MemoryChunkIndex(),
    objects: createMemoryObjectStore(),
    journal,
  };
}
