/**
 * Blobs in Azure Blob Storage, through the official SDK; in Azurite just the same. Azure keeps the port's promises itself: Put
 * Blob is atomic, If-None-Match and If-Match are decided by the service, reads see every write that was acknowledged.
 *
 * Costs in requests: put, get, delete and setTier one each; open and staged two; move and promote two to four.
 */
import { BlobServiceClient, type BlockBlobClient, type ContainerClient } from '@azure/storage-blob';
import { TidemarkError } from '../../core/errors.ts';
import {
  type AccessTier,
  type BlobProperties,
  type BlobStore,
  type Container,
  type ListedBlob,
  type StagedBlob,
  containers,
} from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { type StorageAccess, credentialOf, pipelineOf } from '../azure-storage/storage-access.ts';
import { guarded, isStorageCode, isStorageStatus, toStorageError } from '../azure-storage/storage-error.ts';
import { checkBlobName } from '../blob-name.ts';
import { etagToHeader, tierToSdk, toBlobProperties } from './blob-fields.ts';
import { type BlobSigner, createBlobSigner } from './blob-signer.ts';
import { copyBlob, mustBeWholeCopy } from './copy-blob.ts';
import { BlobDeleter } from './delete-blobs.ts';
import { readRange, streamBlob } from './read-blob.ts';

export interface AzureBlobStoreOptions {
  readonly access: StorageAccess;
  /** Times of expiry. */
  readonly clock: Clock;
  /** Makes the containers at the first call, for an emulator; in Azure they come with the account. */
  readonly createContainers: boolean;
}

/** A copy within the account reads its source through a URL of this life. */
const copySourceSeconds = 300;

function absentOr(error: unknown): undefined {
  // Without a container the service cannot work: that is no absent blob.
  if (isStorageStatus(error, 404) && !isStorageCode(error, 'ContainerNotFound')) return undefined;
  throw error;
}

class AzureBlobStore implements BlobStore {
  readonly #service: BlobServiceClient;
  readonly #signer: BlobSigner;
  readonly #deleter: BlobDeleter;
  readonly #createContainers: boolean;
  #ready: Promise<void> | undefined;

  constructor({ access, clock, createContainers }: AzureBlobStoreOptions) {
    this.#service = new BlobServiceClient(access.url, credentialOf(access), pipelineOf(access));
    this.#signer = createBlobSigner(this.#service, access, clock);
    this.#deleter = new BlobDeleter(this.#service, access);
    this.#createContainers = createContainers;
  }

  async #makeContainers(): Promise<void> {
    if (!this.#createContainers) return;
    await Promise.all(containers.map((name) => this.#service.getContainerClient(name).createIfNotExists()));
  }

  async #container(container: Container): Promise<ContainerClient> {
    this.#ready ??= this.#makeContainers().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    await this.#ready;
    return this.#service.getContainerClient(container);
  }

  async #blob(container: Container, name: string): Promise<BlockBlobClient> {
    checkBlobName(name);
    return (await this.#container(container)).getBlockBlobClient(name);
  }

  async #head(blob: BlockBlobClient): Promise<BlobProperties | undefined> {
    const found = await blob.getProperties().catch(absentOr);
    return found === undefined ? undefined : toBlobProperties(found);
  }

  /** As `#head`, but passes over append and page blobs: whoever may stage blocks under a name may make those as well. */
  async #headOfBlocks(blob: BlockBlobClient): Promise<BlobProperties | undefined> {
    const found = await blob.getProperties().catch(absentOr);
    return found?.blobType === 'BlockBlob' ? toBlobProperties(found) : undefined;
  }

  async put(container: Container, name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return guarded(async () => {
      const blob = await this.#blob(container, name);
      try {
        // A repeat after a lost answer meets our own blob, which then 'exists'.
        await blob.upload(bytes, bytes.length, { conditions: { ifNoneMatch: '*' } });
        return 'created';
      } catch (error) {
        if (isStorageCode(error, 'BlobAlreadyExists', 'UnauthorizedBlobOverwrite', 'ConditionNotMet')) return 'exists';
        throw error;
      }
    });
  }

  async head(container: Container, name: string): Promise<BlobProperties | undefined> {
    return guarded(async () => this.#head(await this.#blob(container, name)));
  }

  async get(
    container: Container,
    name: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<Uint8Array | undefined> {
    return guarded(async () => readRange(await this.#blob(container, name), range).catch(absentOr));
  }

  async open(container: Container, name: string): ReturnType<BlobStore['open']> {
    return guarded(async () => {
      const blob = await this.#blob(container, name);
      const properties = await this.#head(blob);
      return properties && { properties, pieces: streamBlob(blob, properties) };
    });
  }

  async moveIfMatch(from: Container, name: string, etag: string, to: Container): Promise<'moved' | 'changed'> {
    return guarded(async () => {
      const source = await this.#blob(from, name);
      const target = await this.#blob(to, `${name}-${etag}`);
      const found = await source.getProperties().catch(absentOr);
      const ifMatch = etagToHeader(etag);
      if (found === undefined || ifMatch === undefined) return 'changed';
      const { etag: current, length } = toBlobProperties(found);
      if (current !== etag) return 'changed';
      const url = await this.#signer.sign('r', from, name, copySourceSeconds);
      const isBlocks = found.blobType === 'BlockBlob';
      const copied = await copyBlob({ url, etag: ifMatch, length, isBlocks }, target);
      if (copied === 'refused') {
        // Taken, by an earlier move that was cut off or by one beside us; or the source has gone meanwhile.
        if ((await this.#head(target)) === undefined) return this.#mustHaveChanged(source, etag, 'changed');
        await mustBeWholeCopy(target, length);
      }
      return (await this.deleteIfMatch(from, name, etag)) === 'deleted' ? 'moved' : 'changed';
    });
  }

  async deleteIfMatch(container: Container, name: string, etag: string): Promise<'deleted' | 'changed'> {
    return guarded(async () => {
      const blob = await this.#blob(container, name);
      const ifMatch = etagToHeader(etag);
      if (ifMatch === undefined) return 'changed';
      try {
        await blob.delete({ conditions: { ifMatch }, deleteSnapshots: 'include' });
        return 'deleted';
      } catch (error) {
        if (isStorageStatus(error, 412)) return 'changed';
        absentOr(error);
        return 'changed';
      }
    });
  }

  async deleteMany(container: Container, names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    await guarded(async () => this.#deleter.delete(await this.#container(container), names));
  }

  async *list(container: Container, prefix: string): AsyncGenerator<string> {
    for await (const { name } of this.listBlobs(container, prefix)) yield name;
  }

  async *listBlobs(container: Container, prefix: string, after?: string): AsyncGenerator<ListedBlob> {
    // Storage takes a start within the prefix only. It is inclusive.
    const startFrom = after?.startsWith(prefix) === true && after !== '' ? { startFrom: after } : {};
    try {
      const client = await this.#container(container);
      const options = { ...(prefix !== '' && { prefix }), ...startFrom };
      for await (const { name, properties } of client.listBlobsFlat(options)) {
        if (after === undefined || name > after) yield { name, ...toBlobProperties(properties) };
      }
    } catch (error) {
      throw toStorageError(error);
    }
  }

  async setTier(container: Container, name: string, tier: AccessTier): Promise<'set' | 'missing'> {
    return guarded(async () => {
      const blob = await this.#blob(container, name);
      try {
        await blob.setAccessTier(tierToSdk(tier));
        return 'set';
      } catch (error) {
        // On its way out of the archive already.
        if (isStorageCode(error, 'BlobBeingRehydrated')) return 'set';
        absentOr(error);
        return 'missing';
      }
    });
  }

  async staged(name: string): Promise<StagedBlob | undefined> {
    return guarded(async () => {
      const blob = await this.#blob('staging', name);
      const [blocks, committed] = await Promise.all([
        blob.getBlockList('uncommitted').catch((error: unknown) => {
          return isStorageCode(error, 'InvalidBlobType') ? undefined : absentOr(error);
        }),
        this.#headOfBlocks(blob),
      ]);
      const uncommitted = (blocks?.uncommittedBlocks ?? []).map(({ name: id, size }) => ({
        id: new Uint8Array(Buffer.from(id, 'base64')),
        length: size,
      }));
      return uncommitted.length === 0 && committed === undefined ? undefined : { uncommitted, committed };
    });
  }

  async promote(from: string, etag: string, name: string): Promise<'created' | 'exists' | 'missing'> {
    return guarded(async () => {
      const source = await this.#blob('staging', from);
      const target = await this.#blob('chunks', name);
      const found = await this.#headOfBlocks(source);
      const ifMatch = etagToHeader(etag);
      if (found?.etag !== etag || ifMatch === undefined) return 'missing';
      const url = await this.#signer.sign('r', 'staging', from, copySourceSeconds);
      if ((await copyBlob({ url, etag: ifMatch, length: found.length, isBlocks: true }, target)) === 'created')
        return 'created';
      if ((await this.#head(target)) !== undefined) return 'exists';
      return this.#mustHaveChanged(source, etag, 'missing');
    });
  }

  /** The reason why a copy was refused when the new name is free. */
  async #mustHaveChanged<Outcome>(source: BlockBlobClient, etag: string, outcome: Outcome): Promise<Outcome> {
    if ((await this.#head(source))?.etag !== etag) return outcome;
    throw new TidemarkError('busy', 'the storage account refused to copy a blob');
  }

  async #url(permission: 'c' | 'r' | 'cw', container: Container, name: string, seconds: number): Promise<string> {
    return guarded(async () => {
      await this.#blob(container, name);
      return this.#signer.sign(permission, container, name, seconds);
    });
  }

  createUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('c', container, name, seconds);
  }

  readUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('r', container, name, seconds);
  }

  stageUrl(name: string, seconds: number): Promise<string> {
    return this.#url('cw', 'staging', name, seconds);
  }
}

/**
 * A store over an account. Nothing is asked of it before the first call.
 * @throws TidemarkError `forbidden` for an account key outside this machine.
 */
export function createAzureBlobStore(options: AzureBlobStoreOptions): BlobStore {
  return new AzureBlobStore(options);
}
