/**
 * The journal as a whole: its tables over one connection, and how it is opened.
 *
 * A journal that its folder's marker speaks of and that is not there, or is damaged, or is another device's, or came with a copy of
 * the folder (`cp -a`, a restored backup: two devices must not go under one id), is `lost`: what
 * it proved is not proved any more. Then the folder is linked anew under a new device (new counters: the old ones may have
 * been given out), with an empty merge base. So nothing can be deleted: everything on both sides is new, and what is equal is
 * recognised by its content.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import type { DeviceId } from '../../../shared/core/ids.ts';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import type { ContentChunks, LocalNode } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';
import { ConflictsTable } from './conflicts-table.ts';
import { ContentsTable } from './contents-table.ts';
import { Database, isDamage } from './database.ts';
import { ExcludedTable } from './excluded-table.ts';
import { FoundTable } from './found-table.ts';
import { IntentsTable } from './intents-table.ts';
import { Listings } from './listings.ts';
import { MapNodesTable } from './map-nodes-table.ts';
import { type JournalIdentity, MetaTable } from './meta-table.ts';
import { OutboxTable } from './outbox-table.ts';
import { pathOf } from './paths.ts';
import { numberOf, textOf } from './rows.ts';
import { excludedTable, schema, schemaVersion, schemaVersionWithExcluded, sha256Table } from './schema.ts';
import { Sha256Table } from './sha256-table.ts';
import { Trees } from './trees.ts';

export class Journal {
  readonly meta: MetaTable;
  readonly trees: Trees;
  readonly listings: Listings;
  readonly contents: ContentsTable;
  readonly sha256: Sha256Table;
  readonly mapNodes: MapNodesTable;
  readonly outbox: OutboxTable;
  readonly intents: IntentsTable;
  readonly found: FoundTable;
  readonly conflicts: ConflictsTable;
  readonly excluded: ExcludedTable;
  /** What a scan compares the disk with. */
  readonly knowledge: LocalKnowledge;
  /** The file; `:memory:` for one that is not kept. */
  readonly file: string;
  readonly #db: Database;

  constructor(db: Database, file: string) {
    this.#db = db;
    this.file = file;
    this.meta = new MetaTable(db);
    this.trees = new Trees(db);
    this.listings = new Listings(db);
    this.contents = new ContentsTable(db);
    this.sha256 = new Sha256Table(db);
    this.mapNodes = new MapNodesTable(db);
    this.outbox = new OutboxTable(db);
    this.intents = new IntentsTable(db);
    this.found = new FoundTable(db);
    this.conflicts = new ConflictsTable(db);
    this.excluded = new ExcludedTable(db);
    this.knowledge = tablesToKnowledge(this);
  }

  /** All or nothing, durable when it returns. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  /** A node's path on this disk; undefined when it is not there. */
  localPath(node: LocalNode): string | undefined {
    return pathOf(node.nodeId, (id) => (id === node.nodeId ? node : this.trees.getLocal(id)));
  }

  /** The connection, for what reads or writes several tables at once (the mark). */
  get database(): Database {
    return this.#db;
  }

  /** After damage was met: the file is set aside, and the next opening finds the journal `lost`. */
  giveUp(): void {
    this.#db.close();
    setAside(this.file);
  }

  close(): void {
    this.meta.closedCleanly = true;
    this.#db.close();
  }
}

type KnownTables = Pick<Journal, 'trees' | 'listings' | 'contents' | 'outbox' | 'intents'>;

function tablesToKnowledge({ trees, listings, contents, outbox, intents }: KnownTables): LocalKnowledge {
  return {
    childrenOf: (folderId) => listings.localChildren(folderId),
    byInode: (ino, dev) => listings.localByInode(ino, dev),
    get: (nodeId) => trees.getLocal(nodeId),
    intendedPath: (nodeId) => intents.pathOf(nodeId),
    byContent: (content) => listings.localByContent(content),
    chunksOf: (content): ContentChunks | undefined => contents.get(content),
    chunkLists: () => contents.all(),
    hasUnselected: () => listings.hasUnselected(),
    hasUntracked: () => listings.localChanges('', 1).length > 0,
    isUnselectedAt: (place) => listings.isUnselectedAt(place),
    // A commit that was not answered may have told of any node.
    isTracked: (nodeId) =>
      trees.getSynced(nodeId) !== undefined || trees.getRemote(nodeId) !== undefined || outbox.first() !== undefined,
    inWorkspace: (place) => listings.remoteAt(place)?.entry.nodeId,
  };
}

export type LossReason = 'missing' | 'damaged' | 'copied' | 'other-device' | 'other-version';

export type OpenedJournal =
  | { readonly state: 'ready'; readonly journal: Journal }
  | { readonly state: 'absent' }
  | { readonly state: 'lost'; readonly reason: LossReason };

/**
 * Opens the journal of a folder. `marker` is the device that the folder's marker names, null when the folder has none.
 * `absent`: there is no journal and there was none. Any other error of the file system is thrown as it is.
 */
export function openJournal(file: string, marker: DeviceId | null): OpenedJournal {
  if (!existsSync(file)) return marker === null ? { state: 'absent' } : { state: 'lost', reason: 'missing' };
  let db: Database | undefined;
  try {
    db = new Database(file, { readOnly: false });
    const lost = findLoss(db, file, marker);
    if (lost === undefined) {
      db.exec(sha256Table + excludedTable);
      const journal = new Journal(db, file);
      journal.meta.closedCleanly = false;
      return { state: 'ready', journal };
    }
    db.close();
    return { state: 'lost', reason: lost };
  } catch (error) {
    if (!isDamage(error) && !isTidemarkError(error, 'corrupt')) throw error;
    db?.close();
    return { state: 'lost', reason: 'damaged' };
  }
}

const knownVersions: ReadonlySet<number> = new Set([schemaVersion, schemaVersionWithExcluded]);

/** Why an opened file is not the journal of this device's folder; undefined when it is. Throws on damage. */
function findLoss(db: Database, file: string, marker: DeviceId | null): LossReason | undefined {
  const version = db.get('PRAGMA user_version');
  const isKnown = version !== undefined && knownVersions.has(numberOf(version, 'user_version'));
  if (!isKnown) return 'other-version';
  const meta = new MetaTable(db);
  const identity = meta.getIdentity();
  if (identity === undefined) return 'damaged';
  if (marker !== null && identity.deviceId !== marker) return 'other-device';
  if (meta.fileInode !== '' && meta.fileInode !== inodeOf(file)) return 'copied';
  if (!meta.closedCleanly) {
    const check = db.get('PRAGMA quick_check(1)');
    if (check === undefined || textOf(check, 'quick_check') !== 'ok') return 'damaged';
  }
  return undefined;
}

/** Stays the same while the file system does, over renames and restarts; a copy has another. The device's number does not stay. */
function inodeOf(file: string): string {
  return file === ':memory:' ? '' : String(statSync(file, { bigint: true }).ino);
}

/** Begins a new journal. What lies at `file` already is set aside as `<file>.lost-<n>`, never deleted. */
export function createJournal(file: string, identity: JournalIdentity): Journal {
  if (file !== ':memory:') setAside(file);
  const db = new Database(file, { readOnly: false });
  const journal = new Journal(db, file);
  db.transaction(() => {
    db.exec(schema);
    journal.meta.setIdentity(identity);
    journal.meta.fileInode = inodeOf(file);
    journal.meta.closedCleanly = false;
  });
  return journal;
}

function setAside(file: string): void {
  if (!existsSync(file)) return;
  let n = 1;
  while (existsSync(`${file}.lost-${n}`)) n++;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, `${file}.lost-${n}${suffix}`);
  }
}

/** What is known of the disk, over a connection of its own that only reads: for a scan in a worker thread. */
export function openKnowledge(file: string): { readonly knowledge: LocalKnowledge; readonly close: () => void } {
  if (file === ':memory:') {
    throw new TidemarkError('unsupported', 'a journal in memory cannot be read by another thread');
  }
  const db = new Database(file, { readOnly: true });
  const knowledge = tablesToKnowledge({
    trees: new Trees(db),
    listings: new Listings(db),
    contents: new ContentsTable(db),
    outbox: new OutboxTable(db),
    intents: new IntentsTable(db),
  });
  return { knowledge, close: () => db.close() };
}
