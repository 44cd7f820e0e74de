/**
 * The control folder `<root>/.tidemark`: never scanned, never addressable by a synced path.
 *
 *     marker.json   {"format":1,"workspaceId":"…","deviceId":"…"}   which link this folder is; without it nothing is touched.
 *                   Also "names":"mapped" and "symlinks":"skip", where that was chosen
 *     journal.db    the agent's journal
 *     lock.db       held while an agent runs
 *     tmp/w-…       files being written; swept when the folder is opened
 *     tmp/p-…       what was written of files whose download was broken off: partial-files.ts
 *     tmp/<nodeId>  a node parked on its way in a swap (a -> parked, b -> a, parked -> b). Somebody's only copy: never swept
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import {
  type DeviceId,
  type NodeId,
  type WorkspaceId,
  parseDeviceId,
  parseNodeId,
  parseWorkspaceId,
} from '../../../shared/core/ids.ts';
import { utf8, utf8ToText } from '../../../shared/core/bytes.ts';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import type { FileSystem } from '../file-system.ts';
import { fileErrorCode } from './file-problem.ts';

/** Which synced folder this is: of which workspace, for which device, and what was chosen when it was linked. */
export interface Link {
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  /** Names lie on the disk as name-mapping.ts writes them. It outlives the journal: without it they would be other names. */
  readonly names?: 'mapped';
  /** Symlinks are left out. */
  readonly symlinks?: 'skip';
}

/** Paths relative to the root. */
export const tempFolder = `${controlFolder}/tmp`;
const markerPath = `${controlFolder}/marker.json`;
const markerTempPath = `${tempFolder}/w-marker`;
const markerBytesMax = 4_096;

const tempName = /^w-[0-9a-z-]{1,96}$/;
const parkedName = /^[0-9a-f]{32}$/;

/** Where a new file is written before it is renamed to its place. `unique` is of digits, lowercase letters and hyphens. */
export function tempPath(unique: string): string {
  const name = `w-${unique}`;
  if (!tempName.test(name)) throw new RangeError('not the name of a temp file');
  return `${tempFolder}/${name}`;
}

/** Where a node waits while others move past it. */
export function parkedPath(nodeId: NodeId): string {
  return `${tempFolder}/${nodeId}`;
}

export function isParkedPath(path: string): boolean {
  return path.startsWith(`${tempFolder}/`) && parkedName.test(path.slice(tempFolder.length + 1));
}

/** Nodes that a crash left parked. The scanner puts them back. */
export function listParked(fs: FileSystem, root: string): NodeId[] {
  const { names } = fs.list(`${root}/${tempFolder}`);
  return names.filter((name) => parkedName.test(name)).map(parseNodeId);
}

function halt(message: string, cause?: unknown): never {
  throw new TidemarkError('halted', message, cause === undefined ? {} : { cause });
}

function mustBeFolder(fs: FileSystem, path: string, missing: string): void {
  const stat = fs.lstat(path);
  if (stat === undefined) halt(missing);
  if (stat.kind !== 'folder') halt(`${path} is a ${stat.kind} where a folder must be`);
}

function readMarker(fs: FileSystem, root: string): Uint8Array | undefined {
  const path = `${root}/${markerPath}`;
  if (fs.lstat(path) === undefined) return undefined;
  const handle = fs.openRead(path);
  try {
    const bytes = new Uint8Array(markerBytesMax);
    return bytes.subarray(0, fs.read(handle, bytes, 0));
  } finally {
    fs.close(handle);
  }
}

function encodeMarker({ workspaceId, deviceId, names, symlinks }: Link): Uint8Array {
  return utf8(`${JSON.stringify({ format: 1, workspaceId, deviceId, names, symlinks })}\n`);
}

/** Throws `halted` when the marker is damaged or of a later version. */
function decodeMarker(root: string, bytes: Uint8Array): Link {
  try {
    const { format, workspaceId, deviceId, names, symlinks } = Object(JSON.parse(utf8ToText(bytes))) as Readonly<
      Record<string, unknown>
    >;
    if (format === 1) {
      return {
        workspaceId: parseWorkspaceId(String(workspaceId)),
        deviceId: parseDeviceId(String(deviceId)),
        ...(names === 'mapped' && { names }),
        ...(symlinks === 'skip' && { symlinks }),
      };
    }
  } catch (cause) {
    halt(`the marker ${root}/${markerPath} is not readable; delete it and link the folder again`, cause);
  }
  return halt(`the marker ${root}/${markerPath} is of a version that this agent does not know`);
}

/** Throws `halted` unless the marker is of this link. */
function checkMarker(root: string, bytes: Uint8Array, link: Link): void {
  const { workspaceId, deviceId } = decodeMarker(root, bytes);
  if (workspaceId !== link.workspaceId) halt(`${root} is linked to another workspace`);
  if (deviceId !== link.deviceId) {
    halt(`${root} is linked by another device; it may be a copy of its folder: link it again`);
  }
}

/** Whose folder `root` is, by its marker; undefined when it has none. Throws `halted` when the marker is not readable. */
export function readLink(fs: FileSystem, root: string): Link | undefined {
  const marker = fs.lstat(`${root}/${controlFolder}`)?.kind === 'folder' ? readMarker(fs, root) : undefined;
  return marker === undefined ? undefined : decodeMarker(root, marker);
}

function makeFolderIfMissing(fs: FileSystem, path: string): void {
  try {
    fs.makeFolder(path);
  } catch (error) {
    if (fileErrorCode(error) !== 'EEXIST') throw error;
  }
  mustBeFolder(fs, path, `${path} went away`);
}

/** Removes what earlier runs were writing. Parked nodes stay. */
export function sweepTemps(fs: FileSystem, root: string): void {
  makeFolderIfMissing(fs, `${root}/${tempFolder}`);
  const folder = `${root}/${tempFolder}`;
  for (const name of fs.list(folder).names) if (tempName.test(name)) fs.removeFile(`${folder}/${name}`);
}

/** The control folder of `root`, made if it is missing. Throws `halted` when `root` is no folder. */
export function makeControlFolder(fs: FileSystem, root: string): void {
  mustBeFolder(fs, root, `${root} does not exist`);
  makeFolderIfMissing(fs, `${root}/${controlFolder}`);
  makeFolderIfMissing(fs, `${root}/${tempFolder}`);
}

/**
 * Makes `root` the folder of this link: control folder and marker, durable on return. Repeating it changes nothing. Throws
 * `halted` when the root is no folder, or belongs to another link already.
 */
export function linkFolder(fs: FileSystem, root: string, link: Link): void {
  makeControlFolder(fs, root);
  const existing = readMarker(fs, root);
  if (existing !== undefined) checkMarker(root, existing, link);
  else replaceMarker(fs, root, link);
}

/**
 * As linkFolder for a folder that is this workspace's already, under a new device: after the journal was lost. What was chosen for
 * the folder stays as `link` says: the caller takes it over from the link before.
 */
export function relinkFolder(fs: FileSystem, root: string, link: Link): void {
  const existing = readLink(fs, root);
  if (existing?.workspaceId !== link.workspaceId) halt(`${root} is not linked to this workspace`);
  replaceMarker(fs, root, link);
}

/**
 * Takes the marker away, durable on return: from then on the folder is nobody's, and what is left of its control folder counts for
 * nothing. Nodes that a crash left parked are somebody's only copy: they are put into the root first, as `recovered-<node id>`.
 * Returns their names. Repeating it changes nothing.
 */
export function unlinkFolder(fs: FileSystem, root: string): string[] {
  const recovered = listParked(fs, root).map((nodeId) => {
    const name = `recovered-${nodeId}`;
    fs.rename(`${root}/${parkedPath(nodeId)}`, `${root}/${name}`);
    return name;
  });
  if (recovered.length > 0) fs.flushFolder(root);
  if (fs.lstat(`${root}/${markerPath}`) !== undefined) fs.removeFile(`${root}/${markerPath}`);
  fs.flushFolder(`${root}/${controlFolder}`);
  return recovered;
}

function replaceMarker(fs: FileSystem, root: string, link: Link): void {
  sweepTemps(fs, root);
  const handle = fs.openNew(`${root}/${markerTempPath}`, 0);
  try {
    fs.write(handle, encodeMarker(link), 0);
    fs.flush(handle);
  } finally {
    fs.close(handle);
  }
  fs.rename(`${root}/${markerTempPath}`, `${root}/${markerPath}`);
  fs.flushFolder(`${root}/${controlFolder}`);
  fs.flushFolder(root);
}

/**
 * Checks that `root` is there and is this link's. Throws `halted` otherwise: a
 * disk that is not mounted looks like a folder in which everything was deleted.
 */
export function checkControlFolder(fs: FileSystem, root: string, link: Link): void {
  mustBeFolder(fs, root, `${root} does not exist: is its disk mounted?`);
  const marker = fs.lstat(`${root}/${controlFolder}`)?.kind === 'folder' ? readMarker(fs, root) : undefined;
  if (marker === undefined) {
    halt(`${root} has no marker of Tidemark (${markerPath}): is its disk mounted? Nothing was changed`);
  }
  checkMarker(root, marker, link);
}
