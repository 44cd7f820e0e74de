/**
 * Writes what happens to blobs as Azure does: into the container `$blobchangefeed`, one segment an hour, in Avro files that grow.
 *
 *     log/00/2026/11/22/1500/00000.avro      the records of that hour
 *     idx/segments/2026/11/22/1500/meta.json names the folders of the hour's files
 *     meta/segments.json                     lastConsumable: segments before it are final
 *
 * So the official reader reads it, and sees an hour's changes when the hour is over, as with Azure. What has not been flushed
 * is lost when the process is killed; Azure loses nothing.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { AzuriteAccess } from './azurite.ts';
import type { AzuriteChange } from './blob-changes.ts';
import { encodeBlock, encodeChange, encodeFileHeader, syncMarkerBytes } from './change-feed-record.ts';

export interface ChangeFeedWriter {
  /** Takes a change, to be written by the next flush. Never blocks, never throws. */
  append(change: AzuriteChange): void;
  /** Writes all that was taken, and says which hours are over. One at a time; a failed one is repeated by the next. */
  flush(): Promise<void>;
}

const hourMs = 3_600_000;
const feedContainer = '$blobchangefeed';
/** Bound on one block: Azure takes 4 MiB. */
const recordsOfBlockMax = 2_000;

/** `2026/11/22/1500` */
function hourPath(ms: number): string {
  const [, year, month, day, hour] = /^(\d{4})-(\d\d)-(\d\d)T(\d\d)/.exec(new Date(ms).toISOString())!;
  return `${year}/${month}/${day}/${hour}00`;
}

function floorToHour(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs;
}

interface LogFile {
  readonly hour: number;
  readonly name: string;
  readonly marker: Uint8Array;
}

class Writer implements ChangeFeedWriter {
  readonly #container: ContainerClient;
  readonly #account: string;
  readonly #now: () => number;
  #queue: AzuriteChange[] = [];
  #sequence: number;
  #file: LogFile | undefined;
  #finalUntil: number | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(access: AzuriteAccess, now: () => number) {
    const credential = new StorageSharedKeyCredential(access.name, access.key);
    this.#container = new BlobServiceClient(access.blobUrl, credential).getContainerClient(feedContainer);
    this.#account = access.name;
    this.#now = now;
    // Later processes number on from here: they start later.
    this.#sequence = now() * 1_000;
  }

  append(change: AzuriteChange): void {
    if (change.account === this.#account) this.#queue.push(change);
  }

  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flushOnce());
    return this.#flushing;
  }

  async #flushOnce(): Promise<void> {
    // Whatever is taken after this happens after this, and so belongs to this hour or a later one.
    const currentHour = floorToHour(this.#now());
    const finalUntil = (this.#finalUntil ??= await this.#open());
    const taken = this.#queue.length;
    for (let at = 0; at < taken;) {
      // An hour that was declared final stays as it is, whatever a clock that was set back says.
      const hourOf = (change: AzuriteChange): number => Math.max(floorToHour(change.timeMs), finalUntil);
      const hour = hourOf(this.#queue[0]!);
      const upTo = this.#queue.slice(0, Math.min(taken - at, recordsOfBlockMax));
      const other = upTo.findIndex((change) => hourOf(change) !== hour);
      const records = other < 0 ? upTo : upTo.slice(0, other);
      await this.#writeBlock(hour, records);
      this.#queue.splice(0, records.length);
      at += records.length;
    }
    if (currentHour > finalUntil) await this.#finish(finalUntil, currentHour);
  }

  /** Makes the container at the first flush of all. @returns up to when segments are final. */
  async #open(): Promise<number> {
    await this.#container.createIfNotExists();
    const blob = this.#container.getBlobClient('meta/segments.json');
    if (await blob.exists()) {
      const { lastConsumable } = JSON.parse((await blob.downloadToBuffer()).toString('utf8')) as {
        readonly lastConsumable: string;
      };
      return Date.parse(lastConsumable);
    }
    const now = floorToHour(this.#now());
    await this.#writeJson('meta/segments.json', { version: 0, lastConsumable: new Date(now).toISOString() });
    return now;
  }

  async #writeBlock(hour: number, changes: readonly AzuriteChange[]): Promise<void> {
    const records = changes.map((change) => encodeChange(change, randomUUID(), ++this.#sequence));
    if (this.#file?.hour === hour) {
      await this.#appendTo(this.#file.name, encodeBlock(records, this.#file.marker));
      return;
    }
    const marker = randomBytes(syncMarkerBytes);
    const file = { hour, marker, name: await this.#nextFileName(hour) };
    await this.#container.getAppendBlobClient(file.name).create({ conditions: { ifNoneMatch: '*' } });
    await this.#appendTo(file.name, Buffer.concat([encodeFileHeader(marker), encodeBlock(records, marker)]));
    await this.#writeSegment(hour, 'Publishing');
    this.#file = file;
  }

  async #appendTo(name: string, bytes: Uint8Array): Promise<void> {
    await this.#container.getAppendBlobClient(name).appendBlock(bytes, bytes.length);
  }

  /** A process never appends to another's file: it does not know its marker. */
  async #nextFileName(hour: number): Promise<string> {
    const folder = `log/00/${hourPath(hour)}/`;
    const last = (await this.#sweepFiles(folder)).at(-1);
    const count = last === undefined ? 0 : Number(last.slice(folder.length, folder.length + 5)) + 1;
    return `${folder}${String(count).padStart(5, '0')}.avro`;
  }

  /** Takes away files that a process made and did not come to write. @returns the names of the others. */
  async #sweepFiles(folder: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { name, properties } of this.#container.listBlobsFlat({ prefix: folder })) {
      if (properties.contentLength === 0) await this.#container.deleteBlob(name);
      else names.push(name);
    }
    return names;
  }

  async #writeSegment(hour: number, status: 'Publishing' | 'Finalized'): Promise<void> {
    await this.#writeJson(`idx/segments/${hourPath(hour)}/meta.json`, {
      version: 0,
      begin: new Date(hour).toISOString(),
      intervalSecs: hourMs / 1_000,
      status,
      config: {
        version: 0,
        configVersionEtag: '0x8d698f0fba563db',
        numShards: 1,
        recordsFormat: 'avro',
        formatSchemaVersion: 1,
        shardDistFnVersion: 1,
      },
      chunkFilePaths: [`${feedContainer}/log/00/${hourPath(hour)}/`],
    });
  }

  /** Ends the segments from one hour to another, those of earlier processes too, and says so. */
  async #finish(from: number, until: number): Promise<void> {
    const prefix = 'idx/segments/';
    const startFrom = `${prefix}${hourPath(from)}/meta.json`;
    for await (const { name } of this.#container.listBlobsFlat({ prefix, startFrom })) {
      const [, , year, month, day, hour] = name.split('/');
      const begin = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour) / 100);
      if (begin >= until) continue;
      await this.#sweepFiles(`log/00/${hourPath(begin)}/`);
      await this.#writeSegment(begin, 'Finalized');
    }
    const lastConsumable = new Date(until).toISOString();
    await this.#writeJson('meta/segments.json', { version: 0, lastConsumable });
    this.#finalUntil = until;
    this.#file = undefined;
  }

  async #writeJson(name: string, value: object): Promise<void> {
    const lastModifiedTime = new Date(this.#now()).toISOString();
    const storageDiagnostics = { version: 0, lastModifiedTime, data: { aid: randomUUID() } };
    const text = JSON.stringify({ ...value, storageDiagnostics }, null, 2);
    await this.#container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
  }
}

/** A writer for one account of the embedded Azurite, by its clock. Writes nothing before its first flush. */
export function createChangeFeedWriter(access: AzuriteAccess, now: () => number = Date.now): ChangeFeedWriter {
  return new Writer(access, now);
}
