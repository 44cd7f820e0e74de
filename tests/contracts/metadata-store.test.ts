import path from 'node:path';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { metadataStoreContract } from './metadata-store.contract.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

metadataStoreContract('memory', async () => ({ store: createMemoryMetadataStore() }));

metadataStoreContract('SQLite in memory', async () => ({ store: createSqliteMetadataStore({ file: ':memory:' }) }));

metadataStoreContract('SQLite file', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'metadata.sqlite');
  const open = () => {
    const store = createSqliteMetadataStore({ file });
    t.after(() => store.close());
    return store;
  };
  return { store: open(), reopen: async () => open() };
});
