/**
 * Learns what happens to blobs from Azurite's metadata store, by wrapping the calls through which every blob comes and
 * goes. A change is told after it has happened and before it is answered, once, in the order in which it happened.
 */
import type {
  AzuriteBlobProperties,
  AzuriteConditions,
  AzuriteContext,
  AzuriteMetadataStore,
} from './azurite-modules.ts';

/** What storage would put into an event: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage */
export interface AzuriteChange {
  readonly kind: 'created' | 'deleted';
  readonly api: 'PutBlob' | 'PutBlockList' | 'CopyBlob' | 'DeleteBlob';
  readonly account: string;
  readonly container: string;
  readonly name: string;
  /** Without quotes; empty for a deletion. */
  readonly etag: string;
  readonly length: number;
  readonly contentType: string;
  readonly blobType: string;
  readonly timeMs: number;
}

type Place = Pick<AzuriteChange, 'account' | 'container' | 'name'>;

/** Containers of storage's own, such as its change feed: their blobs make no events. */
function isOfStorage(container: string): boolean {
  return container.startsWith('$');
}

function created(
  api: AzuriteChange['api'],
  place: Place,
  properties: AzuriteBlobProperties,
): Omit<AzuriteChange, 'timeMs'> {
  return {
    kind: 'created',
    api,
    ...place,
    etag: properties.etag.replaceAll('"', ''),
    length: properties.contentLength ?? 0,
    contentType: properties.contentType ?? 'application/octet-stream',
    blobType: properties.blobType ?? 'BlockBlob',
  };
}

function deleted(place: Place): Omit<AzuriteChange, 'timeMs'> {
  const nothing = { etag: '', length: 0, contentType: 'application/octet-stream', blobType: 'BlockBlob' };
  return { kind: 'deleted', api: 'DeleteBlob', ...place, ...nothing };
}

/**
 * A signature that may create and not write never overwrites. Azurite looks for the blob when it checks the signature, and
 * stores the new one later without looking again: of two racing uploads the second would win.
 */
function createOnlyConditions(context: AzuriteContext, conditions: AzuriteConditions | undefined) {
  const permissions = context.request?.getQuery('sig') === undefined ? 'w' : (context.request.getQuery('sp') ?? '');
  return permissions.includes('w') ? conditions : { ...conditions, ifNoneMatch: '*' };
}

/** @param tell must not throw. */
export function watchBlobs(
  store: AzuriteMetadataStore,
  now: () => number,
  tell: (change: AzuriteChange) => void,
): void {
  const createBlob = store.createBlob.bind(store);
  const commitBlockList = store.commitBlockList.bind(store);
  const copyFromURL = store.copyFromURL.bind(store);
  const startCopyFromURL = store.startCopyFromURL.bind(store);
  const deleteBlob = store.deleteBlob.bind(store);
  const report = (change: Omit<AzuriteChange, 'timeMs'>): void => {
    if (!isOfStorage(change.container)) tell({ ...change, timeMs: now() });
  };
  store.createBlob = async (context, blob, lease, conditions) => {
    const made = await createBlob(context, blob, lease, createOnlyConditions(context, conditions));
    const place = { account: blob.accountName, container: blob.containerName, name: blob.name };
    report(created('PutBlob', place, blob.properties));
    return made;
  };
  store.commitBlockList = async (context, blob, ...rest) => {
    const made = await commitBlockList(context, blob, ...rest);
    const place = { account: blob.accountName, container: blob.containerName, name: blob.name };
    // The length is known only once the list has been put together.
    const { properties } = await store.downloadBlob(context, place.account, place.container, place.name);
    report(created('PutBlockList', place, properties));
    return made;
  };
  store.copyFromURL = async (context, source, destination, ...rest) => {
    const properties = await copyFromURL(context, source, destination, ...rest);
    const { account, container, blob: name } = destination;
    report(created('CopyBlob', { account, container, name }, properties));
    return properties;
  };
  store.startCopyFromURL = async (context, source, destination, ...rest) => {
    const properties = await startCopyFromURL(context, source, destination, ...rest);
    const { account, container, blob: name } = destination;
    report(created('CopyBlob', { account, container, name }, properties));
    return properties;
  };
  store.deleteBlob = async (context, account, container, name, options) => {
    const gone = await deleteBlob(context, account, container, name, options);
    if ((options.snapshot ?? '') === '') report(deleted({ account, container, name }));
    return gone;
  };
}
