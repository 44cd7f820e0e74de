/** What every metadata store owes, sentence by sentence of shared/ports/metadata-store.ts and the ports that it names. */
import type { TestContext } from 'node:test';
import { describe } from 'node:test';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import { chunkIndexContract } from './chunk-index.contract.ts';
import { journalStoreContract } from './journal-store.contract.ts';
import { leaseStoreContract } from './lease-store.contract.ts';
import { objectStoreContract } from './object-store.contract.ts';
import { presenceStoreContract } from './presence-store.contract.ts';
import { purgeContract } from './purge.contract.ts';
import { quarantineStoreContract } from './quarantine-store.contract.ts';
import { recordStoresContract } from './record-stores.contract.ts';
import { versionStoreContract } from './version-store.contract.ts';

export interface MetadataStoreUnderTest {
  readonly store: MetadataStore;
  /**
   * A second instance over what the first one holds, without the first having been closed: as another process, or as
   * after a crash. Absent where nothing lasts.
   */
  readonly reopen?: () => Promise<MetadataStore>;
}

/** Makes an empty store; ends with the test. */
export type MakeMetadataStore = (t: TestContext) => Promise<MetadataStoreUnderTest>;

export function metadataStoreContract(name: string, make: MakeMetadataStore): void {
  describe(`metadata store: ${name}`, () => {
    recordStoresContract(make);
    chunkIndexContract(make);
    objectStoreContract(make);
    journalStoreContract(make);
    versionStoreContract(make);
    quarantineStoreContract(make);
    leaseStoreContract(make);
    presenceStoreContract(make);
    purgeContract(make);
  });
}
