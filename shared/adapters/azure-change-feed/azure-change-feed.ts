/**
 * The change feed of a storage account, read by Microsoft's reader. It is read as far as its final segments go: they never
 * change, so that every reader sees the same events in the same order, and a place in them stays good. A change is therefore
 * told within about an hour (https://learn.microsoft.com/azure/storage/blobs/storage-blob-change-feed).
 */
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { BlobChangeFeedClient, type BlobChangeFeedEvent } from '@azure/storage-blob-changefeed';
import { TidemarkError } from '../../core/errors.ts';
import type { BlobChange, ChangeFeed, ChangeFeedPage } from '../../ports/change-feed.ts';
import { type StorageAccess, credentialOf, pipelineOf } from '../azure-storage/storage-access.ts';
import { guarded, isStorageCode, readStorageFailure } from '../azure-storage/storage-error.ts';
import { type FeedPlace, cursorToPlace, hourLengthMs, placeToCursor } from './feed-cursor.ts';

const feedContainer = '$blobchangefeed';
const segmentsFolder = 'idx/segments/';
/** The SDK's bound on a page. */
const pageMax = 5_000;
/** Azure makes a segment of the year 1601 when the feed is enabled; it holds nothing. */
const firstHourMs = Date.UTC(2000, 0);

interface SegmentPage {
  readonly events: readonly BlobChangeFeedEvent[];
  /** Of the place after them; null where the reader gave none. */
  readonly token: string | null;
  /** Whether they are the segment's last. */
  readonly ended: boolean;
}

/** `…/containers/<container>/blobs/<name>`; undefined for a subject of another kind. */
function parseSubject(subject: string): { readonly container: string; readonly name: string } | undefined {
  const match = /\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(subject);
  return match === null ? undefined : { container: match[1]!, name: match[2]! };
}

function toChange(event: BlobChangeFeedEvent): BlobChange | undefined {
  const place = parseSubject(event.subject);
  if (place === undefined) return undefined;
  const kind =
    event.eventType === 'BlobCreated' ? 'created' : event.eventType === 'BlobDeleted' ? 'deleted' : ('other' as const);
  // The declared type names the SDK's spelling; a record may lack any of it.
  const data: Partial<BlobChangeFeedEvent['data']> & { readonly eTag?: string } = event.data;
  return {
    kind,
    ...place,
    etag: (data.etag ?? data.eTag ?? '').replaceAll('"', ''),
    timeMs: event.eventTime.getTime(),
    api: data.api ?? '',
  };
}

/** `idx/segments/2026/11/22/1500/meta.json`, as milliseconds. */
function parseSegmentHour(name: string): number | undefined {
  const match = /^idx\/segments\/(\d{4})\/(\d{2})\/(\d{2})\/(\d{2})00\/meta\.json$/.exec(name);
  if (match === null) return undefined;
  const [year, month, day, hour] = match.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour);
}

function hourToSegment(hourMs: number): string {
  const [, year, month, day, hour] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d)/.exec(new Date(hourMs).toISOString())!;
  return `${segmentsFolder}${year}/${month}/${day}/${hour}00/meta.json`;
}

/** The reader brings its own copy of the SDK, which does not know a key that ours has wrapped: it gets it as text. */
function createReader(access: StorageAccess): BlobChangeFeedClient {
  if (access.kind === 'identity') return new BlobChangeFeedClient(access.url, access.credential, pipelineOf(access));
  const { account, key, url } = access;
  const text = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${url}`;
  return BlobChangeFeedClient.fromConnectionString(text, pipelineOf(access));
}

class AzureChangeFeed implements ChangeFeed {
  readonly #reader: BlobChangeFeedClient;
  readonly #container: ContainerClient;

  constructor(access: StorageAccess) {
    const credential = credentialOf(access);
    this.#reader = createReader(access);
    this.#container = new BlobServiceClient(access.url, credential, pipelineOf(access)).getContainerClient(
      feedContainer,
    );
  }

  async read(cursor: string | null, limit: number): Promise<ChangeFeedPage> {
    const place = cursor === null ? { hourMs: firstHourMs, read: 0, token: null } : cursorToPlace(cursor);
    return guarded(async () => {
      const endMs = await this.#finalUntil();
      const changes: BlobChange[] = [];
      const { next, events } = await this.#readFrom(place, endMs, Math.max(1, limit), changes);
      // A cursor moves only past events: whoever is at the end keeps the one that they have.
      return { changes, cursor: events === 0 ? cursor : placeToCursor(next) };
    });
  }

  /** Reads into `changes` until `limit` events were read or the final segments end. Events of other things than blobs are passed over. */
  async #readFrom(
    start: FeedPlace,
    endMs: number,
    limit: number,
    changes: BlobChange[],
  ): Promise<{ readonly next: FeedPlace; readonly events: number }> {
    let place = start;
    let wanted = limit;
    while (wanted > 0) {
      const hourMs = await this.#segmentFrom(place.hourMs, endMs);
      if (hourMs === undefined) break;
      const at = hourMs === place.hourMs ? place : { hourMs, read: 0, token: null };
      const { events, token, ended } = await this.#readSegment(at, Math.min(wanted, pageMax));
      for (const event of events) {
        const change = toChange(event);
        if (change !== undefined) changes.push(change);
      }
      wanted -= events.length;
      place = ended
        ? { hourMs: hourMs + hourLengthMs, read: 0, token: null }
        : { hourMs, read: at.read + events.length, token };
    }
    return { next: place, events: limit - wanted };
  }

  /** Up to which hour segments are final; before the first, nothing is. @throws TidemarkError `unavailable` without a feed. */
  async #finalUntil(): Promise<number> {
    try {
      const text = (await this.#container.getBlobClient('meta/segments.json').downloadToBuffer()).toString('utf8');
      const { lastConsumable } = JSON.parse(text) as { readonly lastConsumable?: unknown };
      const ms = typeof lastConsumable === 'string' ? Date.parse(lastConsumable) : Number.NaN;
      if (Number.isNaN(ms)) throw new TidemarkError('unavailable', 'the change feed does not say how far it goes');
      return Math.floor(ms / hourLengthMs) * hourLengthMs;
    } catch (error) {
      if (isStorageCode(error, 'ContainerNotFound')) {
        throw new TidemarkError('unavailable', "the storage account's change feed is not enabled");
      }
      if (readStorageFailure(error)?.status === 404) return firstHourMs;
      throw error;
    }
  }

  /** The first segment from an hour on, before another. */
  async #segmentFrom(hourMs: number, endMs: number): Promise<number | undefined> {
    if (hourMs >= endMs) return undefined;
    const options = { prefix: segmentsFolder, startFrom: hourToSegment(hourMs) };
    for await (const { name } of this.#container.listBlobsFlat(options)) {
      const found = parseSegmentHour(name);
      if (found !== undefined && found >= hourMs) return found < endMs ? found : undefined;
    }
    return undefined;
  }

  async #readSegment(place: FeedPlace, max: number): Promise<SegmentPage> {
    if (place.token === null) return place.read === 0 ? this.#readPage(place, max, {}) : this.#readAgain(place, max);
    try {
      return await this.#readPage(place, max, { continuationToken: place.token });
    } catch (error) {
      // The reader cannot go on from some of its own tokens: those where one shard of a segment has ended and another has not.
      if (readStorageFailure(error) !== undefined) throw error;
      return this.#readAgain(place, max);
    }
  }

  /** One page of the segment at this hour. */
  async #readPage(
    { hourMs }: FeedPlace,
    maxPageSize: number,
    from: { readonly continuationToken?: string },
  ): Promise<SegmentPage> {
    for await (const page of this.#reader.listChanges(oneHour(hourMs)).byPage({ maxPageSize, ...from })) {
      const token = page.continuationToken || null;
      return { events: page.events, token, ended: token === null };
    }
    return { events: [], token: null, ended: true };
  }

  /** Reads the segment from its beginning and passes over what was read before. */
  async #readAgain({ hourMs, read }: FeedPlace, max: number): Promise<SegmentPage> {
    const events: BlobChangeFeedEvent[] = [];
    let seen = 0;
    for await (const event of this.#reader.listChanges(oneHour(hourMs))) {
      if (seen++ < read) continue;
      if (events.length === max) return { events, token: null, ended: false };
      events.push(event);
    }
    return { events, token: null, ended: true };
  }
}

function oneHour(startMs: number): { start: Date; end: Date } {
  return { start: new Date(startMs), end: new Date(startMs + hourLengthMs) };
}

/** The feed of an account. Nothing is asked of it before the first call. */
export function createAzureChangeFeed(options: { readonly access: StorageAccess }): ChangeFeed {
  return new AzureChangeFeed(options.access);
}
