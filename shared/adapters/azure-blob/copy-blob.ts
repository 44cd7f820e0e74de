/**
 * Copies within one account, by the account. Two of Azure's operations do that: `Copy Blob From URL` copies block blobs at once, up
 * to 256 MiB; `Copy Blob` takes blobs of any type and size and may finish later, with an unfinished blob under the new name until then. Both read
 * the source through a signed URL, take conditions on source and target, and are served by Azurite (which lacks `Put Blob From
 * URL`). Nothing that the service makes is over 256 MiB; what a hostile client uploads may be.
 */
import type { BlockBlobClient } from '@azure/storage-blob';
import { TidemarkError } from '../../core/errors.ts';
import { guarded, isStorageCode, isStorageStatus } from '../azure-storage/storage-error.ts';

const copyAtOnceBytesMax = 256 * 1024 * 1024;

export interface CopySource {
  /** Readable for longer than a copy at once takes. */
  readonly url: string;
  /** Of the incarnation to copy, as storage writes it, in quotes. */
  readonly etag: string;
  readonly length: number;
  /** Whether it is a block blob, as all are that the service makes; a create-only URL lets its holder make other ones too. */
  readonly isBlocks: boolean;
}

/**
 * Create-only, and complete when it resolves. 'refused' when the name is taken or the source is not that incarnation any more: the
 * caller looks which.
 */
export async function copyBlob(source: CopySource, target: BlockBlobClient): Promise<'created' | 'refused'> {
  const conditions = { conditions: { ifNoneMatch: '*' } };
  try {
    if (source.isBlocks && source.length <= copyAtOnceBytesMax) {
      await target.syncCopyFromURL(source.url, { ...conditions, sourceConditions: { ifMatch: source.etag } });
    } else {
      const poller = await target.beginCopyFromURL(source.url, {
        ...conditions,
        sourceConditions: { ifMatch: source.etag },
      });
      await poller.pollUntilDone();
    }
    return 'created';
  } catch (error) {
    if (isStorageStatus(error, 412) || isStorageCode(error, 'BlobAlreadyExists')) return 'refused';
    if (isStorageStatus(error, 404) && !isStorageCode(error, 'ContainerNotFound')) return 'refused';
    throw error;
  }
}

/** Throws `busy` unless the blob under the new name is the whole source: a copy that was cut off leaves one that is not. */
export async function mustBeWholeCopy(target: BlockBlobClient, length: number): Promise<void> {
  const found = await guarded(() => target.getProperties());
  const { copyStatus = 'success' } = found;
  if (copyStatus === 'success' && found.contentLength === length) return;
  if (copyStatus !== 'pending' && found.etag !== undefined) {
    await guarded(() => target.deleteIfExists({ conditions: { ifMatch: found.etag! } }));
  }
  throw new TidemarkError('busy', 'an earlier copy of this blob is not whole');
}
