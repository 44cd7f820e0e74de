/**
 * Entries: what the tree holds for one node. Bytes: msgpack
 *
 *     [kind, nodeId, version, mtimeMs, mode, size, content]
 *     [kind, nodeId, version, mtimeMs, mode, size, content, sha256]       a file whose SHA-256 was told
 *
 * kind 1 file, 2 folder, 3 symlink; nodeId bin(16); version [[deviceId bin(16), counter], …] sorted by id; mtimeMs a
 * signed integer; mode the executable bits alone (mode & 0o111); size in bytes; content bin(32) the root for a file, nil
 * for a folder, str the target for a symlink; sha256 bin(32) that of the file's whole content, for those who hold files by it
 * elsewhere. The root alone decides what a file is: sha256 is what its author said. A file's mtime is a hint for people: an
 * mtime alone is not a change.
 *
 * The encoding is canonical (one byte string per entry), because the marks of two devices are compared.
 *
 * Worked example, a file of the one chunk "hello", changed once by one device:
 *
 *     97 01                        array of 7: a file
 *     c4 10 f1…f1                  nodeId
 *     91 92 c4 10 dd…dd 01         version: that device, once
 *     cf 00 00 01 a2 00 8d 74 00   mtime 1,795,305,600,000
 *     00 05                        mode, size
 *     c4 20 ea8f163d…4a67200f      content: the root, here BLAKE3("hello")
 */
import { encode } from '@msgpack/msgpack';
import { utf8 } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { type Digest, type NodeId, bytesToDeviceId, bytesToDigest, bytesToNodeId, idToBytes } from '../ids.ts';
import { limits } from '../limits.ts';
import { type MsgpackCaps, decodeMsgpack } from '../msgpack.ts';
import type { VersionVector } from '../version-vector.ts';

interface EntryBase {
  readonly nodeId: NodeId;
  readonly version: VersionVector;
  /** Milliseconds since 1970, negative before; a hint, never compared to decide anything. */
  readonly mtimeMs: number;
  /** Executable bits: a subset of 0o111. Zero for folders and symlinks. */
  readonly mode: number;
}

export interface FileEntry extends EntryBase {
  readonly kind: 'file';
  readonly size: number;
  /** The Merkle root over the file's chunks. */
  readonly content: Digest;
  /** SHA-256 of the whole content, as its author told it. */
  readonly sha256?: Digest;
}

export interface FolderEntry extends EntryBase {
  readonly kind: 'folder';
}

export interface SymlinkEntry extends EntryBase {
  readonly kind: 'symlink';
  readonly target: string;
}

export type Entry = FileEntry | FolderEntry | SymlinkEntry;
export type EntryKind = Entry['kind'];

export const executableBits = 0o111;

const kindNumbers = { file: 1, folder: 2, symlink: 3 } as const;

/** The canonical bytes of an entry, which must keep its bounds: `decodeEntry` is the judge. */
export function encodeEntry(entry: Entry): Uint8Array {
  const version = entry.version.map(([device, counter]) => [idToBytes(device), counter]);
  const size = entry.kind === 'file' ? entry.size : entry.kind === 'symlink' ? utf8(entry.target).length : 0;
  const content = entry.kind === 'file' ? idToBytes(entry.content) : entry.kind === 'symlink' ? entry.target : null;
  const { kind, nodeId, mtimeMs, mode } = entry;
  const more = entry.kind === 'file' && entry.sha256 !== undefined ? [idToBytes(entry.sha256)] : [];
  return encode([kindNumbers[kind], idToBytes(nodeId), version, mtimeMs, mode, size, content, ...more]).slice();
}

function refuse(what: string): never {
  throw new TidemarkError('malformed', `an entry's ${what} is not of its form`);
}

function decodeVersion(raw: unknown): VersionVector {
  if (!Array.isArray(raw) || raw.length > limits.versionVectorEntriesMax) refuse('version');
  let last = '';
  return raw.map((pair: unknown) => {
    if (!Array.isArray(pair) || pair.length !== 2) refuse('version');
    const [device, counter] = pair as unknown[];
    if (!(device instanceof Uint8Array) || !Number.isSafeInteger(counter) || (counter as number) < 1) refuse('version');
    const id = bytesToDeviceId(device);
    if (id <= last) refuse('version');
    last = id;
    return [id, counter as number] as const;
  });
}

function sha256Of(raw: unknown): Pick<FileEntry, 'sha256'> {
  return raw instanceof Uint8Array ? { sha256: bytesToDigest(raw) } : {};
}

/** [entry [version [pair]]]. */
const entryCaps: MsgpackCaps = { what: 'an entry', depthMax: 3, valuesMax: 9 + 3 * limits.versionVectorEntriesMax };

/**
 * Throws `malformed` (or `too-large`, far over 1,024 devices in a version) on anything that encodeEntry does not write.
 * Does not check that the bytes are canonical.
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  if (bytes.length > limits.mapValueBytesMax) refuse('length');
  const raw = decodeMsgpack(bytes, entryCaps);
  if (!Array.isArray(raw) || raw.length < 7 || raw.length > 8) refuse('shape');
  const [kind, nodeId, version, mtimeMs, mode, size, content, sha256] = raw as unknown[];
  if (raw.length === 8 && (kind !== kindNumbers.file || !(sha256 instanceof Uint8Array))) refuse('sha256');
  if (!(nodeId instanceof Uint8Array)) refuse('node id');
  if (!Number.isSafeInteger(mtimeMs)) refuse('mtime');
  if (!Number.isSafeInteger(mode) || ((mode as number) & ~executableBits) !== 0) refuse('mode');
  const base: EntryBase = {
    nodeId: bytesToNodeId(nodeId),
    version: decodeVersion(version),
    mtimeMs: mtimeMs as number,
    mode: mode as number,
  };
  if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > limits.fileBytesMax) refuse('size');
  switch (kind) {
    case kindNumbers.file:
      if (!(content instanceof Uint8Array)) refuse('content');
      return { kind: 'file', ...base, size: size as number, content: bytesToDigest(content), ...sha256Of(sha256) };
    case kindNumbers.folder:
      if (content !== null || size !== 0) refuse('content');
      return { kind: 'folder', ...base };
    case kindNumbers.symlink:
      if (typeof content !== 'string' || utf8(content).length !== size || size > limits.linkBytesMax) {
        refuse('content');
      }
      return { kind: 'symlink', ...base, target: content };
    default:
      return refuse('kind');
  }
}

/** Whether two entries hold the same thing for a user: kind, content or target, and executable bits. Not place, version or mtime. */
export function sameContent(a: Entry, b: Entry): boolean {
  if (a.kind !== b.kind || a.mode !== b.mode) return false;
  if (a.kind === 'file' && b.kind === 'file') return a.content === b.content;
  if (a.kind === 'symlink' && b.kind === 'symlink') return a.target === b.target;
  return true;
}
