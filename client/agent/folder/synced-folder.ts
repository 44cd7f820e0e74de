/** The folder of one link: scanning and applying over a FileSystem and an executor. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Randomness } from '../../../shared/ports/randomness.ts';
import type { FileSystem } from '../file-system.ts';
import { joinPath, pathOf } from '../journal/paths.ts';
import type { Folder, LocalKnowledge, Problem } from '../ports.ts';
import { Download } from '../transfer/download.ts';
import type { TransferSetting } from '../transfer/services.ts';
import type { Executor } from '../workers/executor.ts';
import { applyActions } from './apply.ts';
import { type Link, checkControlFolder, listParked, parkedPath, sweepTemps } from './control-folder.ts';
import { errorToProblem } from './file-problem.ts';
import type { HeldLock } from './folder-lock.ts';
import { splitGiven, withGivenBytes } from './given-bytes.ts';
import { createNodeIds } from './new-node-ids.ts';
import { settlePartials } from './partial-files.ts';
import { scanFolder } from './scan.ts';
import { fetchWhole, readFileWhole } from './whole-files.ts';

export interface SyncedFolderSetting {
  readonly fs: FileSystem;
  readonly executor: Executor;
  /** Absolute, without a trailing slash, and no symlink itself. */
  readonly root: string;
  readonly link: Link;
  readonly transfer: TransferSetting;
  readonly randomness: Randomness;
  /** Against a second agent; none in the simulation. */
  readonly lock?: (root: string) => HeldLock;
  /** Cut files at fixed places: the user's choice where the CPU is the limit. */
  readonly preferFixed?: boolean;
  /** Whether the workspace asks for the SHA-256 of each file: it is computed while a file is hashed. */
  readonly wantsSha256?: boolean;
  /** What becomes of symlinks, on both sides; `sync` unless said. */
  readonly symlinks?: 'sync' | 'skip';
  /** Disk space that downloads leave free, in bytes. */
  readonly reserveBytes?: number;
}

/** Enough for a journal, a log and a browser to go on. */
const defaultReserveBytes = 64 * 1024 * 1024;

/** Puts nodes back that a crash left parked on their way in a swap; those that cannot be are problems, and never missing. */
function returnParked(fs: FileSystem, root: string, known: LocalKnowledge, problems: Problem[]): Set<NodeId> {
  const stuck = new Set<NodeId>();
  for (const nodeId of listParked(fs, root)) {
    const node = known.get(nodeId);
    const folder = node === undefined ? undefined : pathOf(node.parentId, (id) => known.get(id));
    const path = node === undefined || folder === undefined ? undefined : joinPath(folder, node.name);
    if (path !== undefined && returnTo(fs, root, nodeId, path)) continue;
    stuck.add(nodeId);
    const detail = 'it was on its way to another place when the agent was stopped, and its own place is taken';
    problems.push({ path: path ?? parkedPath(nodeId), code: 'blocked', detail });
  }
  return stuck;
}

function returnTo(fs: FileSystem, root: string, nodeId: NodeId, path: string): boolean {
  try {
    if (fs.lstat(joinPath(root, path)) !== undefined) return false;
    fs.rename(joinPath(root, parkedPath(nodeId)), joinPath(root, path));
    return true;
  } catch (error) {
    errorToProblem(path, error);
    return false;
  }
}

/** The `Folder` of a link. `open` comes first; scans and applications must not overlap. */
export function createSyncedFolder(setting: SyncedFolderSetting): Folder {
  const { fs, executor, root, link, transfer, randomness } = setting;
  const reserveBytes = setting.reserveBytes ?? defaultReserveBytes;
  let held: HeldLock | undefined;
  let isOpen = false;
  const skipsLinks = setting.symlinks === 'skip';
  const mustBeOpen = (): void => {
    if (!isOpen) throw new TidemarkError('internal', 'the folder was not opened');
    // The disk may have been unmounted since: then what is there is another folder, and an empty one.
    checkControlFolder(fs, root, link);
  };
  return {
    skipsLinks,
    open: async () => {
      checkControlFolder(fs, root, link);
      held ??= setting.lock?.(root);
      settlePartials(fs, root, reserveBytes);
      sweepTemps(fs, root);
      isOpen = true;
    },
    scan: async (known, found, signal) => {
      mustBeOpen();
      const problems: Problem[] = [];
      const parked = returnParked(fs, root, known, problems);
      const newNodeId = createNodeIds(randomness);
      const preferFixed = setting.preferFixed ?? false;
      const wantsSha256 = setting.wantsSha256 ?? false;
      const scanning = { fs, executor, root, known, parked, newNodeId, preferFixed, wantsSha256, skipsLinks };
      const report = await scanFolder(scanning, found, signal);
      // Unmounted in the middle, everything would look deleted.
      checkControlFolder(fs, root, link);
      return { ...report, problems: [...problems, ...report.problems] };
    },
    apply: async (actions, knowledge, signal) => {
      mustBeOpen();
      const { given, actions: rest } = splitGiven(actions);
      const source = (known: LocalKnowledge, signal: AbortSignal) =>
        withGivenBytes(new Download(transfer, known, signal), given, fs, root);
      return applyActions({ fs, executor, root, source, reserveBytes, skipsLinks }, rest, knowledge, signal);
    },
    fetch: (wanted, signal) => fetchWhole(transfer, wanted, signal),
    read: async (path, expected) => {
      mustBeOpen();
      return readFileWhole(fs, root, path, expected);
    },
    describe: (bytes, profileId) => {
      const { preferFixed = false, wantsSha256 = false } = setting;
      return executor.run('describeBytes', { bytes, profileId, preferFixed, wantsSha256 });
    },
    close: async () => {
      isOpen = false;
      held?.release();
      held = undefined;
    },
  };
}
