import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { TidemarkError } from '../../core/errors.ts';
import { credentialOf, type StorageAccess } from '../azure-storage/storage-access.ts';
import { isStorageStatus } from '../azure-storage/storage-error.ts';

/** Azure's bound on one batch. */
const batchMax = 256;
/** Single deletes under way, where batches are not served. */
const parallelMax = 16;
/** Statuses by which an account says that it serves no batches. */
const unservedStatuses = [400, 404, 405, 501] as const;

async function deleteOneByOne(container: ContainerClient, names: readonly string[]): Promise<void> {
  const left = names.values();
  const worker = async (): Promise<void> => {
    for (const name of left) await container.getBlobClient(name).deleteIfExists({ deleteSnapshots: 'include' });
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, names.length) }, worker));
}

/** Deletes blobs by name, by batches of 256 where the account serves them, else one by one. */
export class BlobDeleter {
  readonly #service: BlobServiceClient;
  readonly #access: StorageAccess;
  #batches = true;

  constructor(service: BlobServiceClient, access: StorageAccess) {
    this.#service = service;
    this.#access = access;
  }

  /** Names that are not there are passed over. Rejects when any could not be deleted; the others are. */
  async delete(container: ContainerClient, names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += batchMax) {
      const some = names.slice(at, at + batchMax);
      if (!this.#batches || !(await this.#deleteBatch(container, some))) await deleteOneByOne(container, some);
    }
  }

  /** False when the account does not serve batches. */
  async #deleteBatch(container: ContainerClient, names: readonly string[]): Promise<boolean> {
    const urls = names.map((name) => container.getBlobClient(name).url);
    let answers;
    try {
      const batch = this.#service.getBlobBatchClient();
      answers = await batch.deleteBlobs(urls, credentialOf(this.#access), { deleteSnapshots: 'include' });
    } catch (error) {
      if (!isStorageStatus(error, ...unservedStatuses)) throw error;
      this.#batches = false;
      return false;
    }
    const failed = answers.subResponses.filter(({ status }) => status !== 202 && status !== 404);
    const missing = names.length - answers.subResponses.length;
    if (failed.length + missing > 0) {
      throw new TidemarkError('busy', 'the storage account did not delete every blob of a batch', {
        data: { failed: failed.length + missing, status: failed[0]?.status ?? 0 },
      });
    }
    return true;
  }
}
