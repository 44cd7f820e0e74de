/** Stores that note every call that could change them, for tests that nothing was changed. */
import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { MetadataStore } from '../../../shared/ports/metadata-store.ts';

const writing = new Set([
  'create',
  'register',
  'sweep',
  'record',
  'putObjects',
  'append',
  'recordRequest',
  'sweepRequests',
  'put',
  'moveIfMatch',
  'deleteIfMatch',
]);

function noting<Store extends object>(store: Store, name: string, writes: string[]): Store {
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (writing.has(String(property))) writes.push(`${name}.${String(property)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/** The same stores; each call that writes is appended to `writes`. */
export function notingWrites<Stores extends { readonly metadata: MetadataStore; readonly blobs: BlobStore }>(
  stores: Stores,
  writes: string[],
): Stores {
  const { workspaces, devices, sessions, chunks, objects, journal } = stores.metadata;
  return {
    ...stores,
    blobs: noting(stores.blobs, 'blobs', writes),
    metadata: {
      workspaces: noting(workspaces, 'workspaces', writes),
      devices: noting(devices, 'devices', writes),
      sessions: noting(sessions, 'sessions', writes),
      chunks: noting(chunks, 'chunks', writes),
      objects: noting(objects, 'objects', writes),
      journal: noting(journal, 'journal', writes),
    },
  };
}
