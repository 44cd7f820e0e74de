/** Single values of the journal: who this folder and device are, and how far the workspace's history was followed. */
import { type Digest, parseDeviceId, parseDigest, parseWorkspaceId } from '../../../shared/core/ids.ts';
import type { DeviceId, WorkspaceId } from '../../../shared/core/ids.ts';
import { bytesToHex, hexToBytes, utf8, utf8ToText } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { firstChain } from '../../../shared/core/wire/journal-entry.ts';
import type { Database } from './database.ts';
import { bytesOf } from './rows.ts';

/** What a link of a folder to a workspace is. Fixed for the life of a journal. */
export interface JournalIdentity {
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  /** The server's address. */
  readonly server: string;
  /** The user's id, as the server names it. */
  readonly user: string;
}

/** The newest place in the workspace's history that was followed and verified here. */
export interface FollowedHead {
  readonly seq: number;
  readonly root: Digest;
  readonly chain: Digest;
}

/** A public key of the server's that this device trusts: since the folder was linked, or because the one before it endorsed it. Ed25519, 32 bytes. */
export interface PinnedKey {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
}

export class MetaTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Undefined in a journal that was never begun. */
  getIdentity(): JournalIdentity | undefined {
    const workspaceId = this.#getText('workspaceId');
    if (workspaceId === undefined) return undefined;
    return {
      workspaceId: parseWorkspaceId(workspaceId),
      deviceId: parseDeviceId(this.#mustGetText('deviceId')),
      server: this.#mustGetText('server'),
      user: this.#mustGetText('user'),
    };
  }

  setIdentity(identity: JournalIdentity): void {
    this.#setText('workspaceId', identity.workspaceId);
    this.#setText('deviceId', identity.deviceId);
    this.#setText('server', identity.server);
    this.#setText('user', identity.user);
    this.setHead({ seq: 0, root: emptyMapRoot, chain: firstChain(identity.workspaceId) });
    this.syncedRoot = emptyMapRoot;
  }

  get head(): FollowedHead {
    return {
      seq: Number(this.#mustGetText('headSeq')),
      root: parseDigest(this.#mustGetText('headRoot')),
      chain: parseDigest(this.#mustGetText('headChain')),
    };
  }

  setHead(head: FollowedHead): void {
    this.#setText('headSeq', String(head.seq));
    this.#setText('headRoot', head.root);
    this.#setText('headChain', head.chain);
  }

  /** The highest seq that the server has told of, as in the answer to a commit: nothing is planned on an older state. */
  get seenSeq(): number {
    return Number(this.#getText('seenSeq') ?? '0');
  }

  set seenSeq(seq: number) {
    this.#setText('seenSeq', String(seq));
  }

  /** The mark of `synced` when it was last computed; rows changed since are in the table `marked`. */
  get syncedRoot(): Digest {
    return parseDigest(this.#mustGetText('syncedRoot'));
  }

  set syncedRoot(root: Digest) {
    this.#setText('syncedRoot', root);
  }

  /** The key that signed the head that was followed last; empty before the first. */
  get headKeyId(): string {
    return this.#getText('headKeyId') ?? '';
  }

  set headKeyId(keyId: string) {
    this.#setText('headKeyId', keyId);
  }

  /** In the order in which they followed each other: the newest is the last. */
  get pinnedKeys(): readonly PinnedKey[] {
    const text = this.#getText('pinnedKeys') ?? '';
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [keyId = '', hex = ''] = line.split(' ');
        return { keyId, publicKey: hexToBytes(hex) };
      });
  }

  set pinnedKeys(keys: readonly PinnedKey[]) {
    this.#setText('pinnedKeys', keys.map((key) => `${key.keyId} ${bytesToHex(key.publicKey)}`).join('\n'));
  }

  /** Whether the workspace asks for the SHA-256 of each file; it does so from its creation on, or never. */
  get wantsSha256(): boolean {
    return this.#getText('sha256') === 'yes';
  }

  set wantsSha256(wants: boolean) {
    this.#setText('sha256', wants ? 'yes' : 'no');
  }

  /** Whether files are to be read-only while the server cannot be reached. */
  get readOnlyOffline(): boolean {
    return this.#getText('readOnlyOffline') === 'yes';
  }

  set readOnlyOffline(is: boolean) {
    this.#setText('readOnlyOffline', is ? 'yes' : 'no');
  }

  /** The newest session token of the server's store; null when it gave none. Losing it costs a while of older answers at most. */
  get sessionToken(): string | null {
    return this.#getText('sessionToken') ?? null;
  }

  set sessionToken(token: string | null) {
    if (token !== null) this.#setText('sessionToken', token);
  }

  /** Until when nothing is synced by itself (null: until it is taken back); undefined when it is not paused. */
  get pause(): { readonly untilMs: number | null } | undefined {
    const text = this.#getText('pausedUntil') ?? '';
    if (text === '') return undefined;
    const untilMs = Number(text);
    return { untilMs: Number.isFinite(untilMs) ? untilMs : null };
  }

  set pause(pause: { readonly untilMs: number | null } | undefined) {
    this.#setText('pausedUntil', pause === undefined ? '' : pause.untilMs === null ? 'resume' : String(pause.untilMs));
  }

  /** False from the opening of the journal to its orderly closing. */
  get closedCleanly(): boolean {
    return this.#getText('closedCleanly') !== 'no';
  }

  set closedCleanly(clean: boolean) {
    this.#setText('closedCleanly', clean ? 'yes' : 'no');
  }

  /** The inode of the journal's file when it was begun: a copy of the folder has another. Empty when it was not noted. */
  get fileInode(): string {
    return this.#getText('fileInode') ?? '';
  }

  set fileInode(inode: string) {
    this.#setText('fileInode', inode);
  }

  #getText(name: string): string | undefined {
    const row = this.#db.get('SELECT value FROM meta WHERE name = ?', name);
    return row === undefined ? undefined : utf8ToText(bytesOf(row, 'value'));
  }

  #mustGetText(name: string): string {
    const text = this.#getText(name);
    if (text === undefined) {
      throw new TidemarkError('corrupt', "the agent's journal misses a value", { data: { name, journal: true } });
    }
    return text;
  }

  #setText(name: string, text: string): void {
    this.#db.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, utf8(text));
  }
}

/** Trusts keys from now on, each newer than those before it. A key id that is pinned already keeps its key; one with another key is `bad-signature`. */
export function pinKeys(meta: MetaTable, keys: readonly PinnedKey[]): void {
  const pinned = new Map(meta.pinnedKeys.map((key) => [key.keyId, key]));
  for (const key of keys) {
    const known = pinned.get(key.keyId);
    if (known !== undefined && bytesToHex(known.publicKey) !== bytesToHex(key.publicKey)) {
      throw new TidemarkError('bad-signature', 'the server shows another key under the name of one already trusted', {
        data: { keyId: key.keyId },
      });
    }
    pinned.set(key.keyId, key);
  }
  meta.pinnedKeys = [...pinned.values()];
}
