/** Faults of the agent. The names are in docs and records: a renamed mutant is another one. */
import type { Mutant } from './mutant.ts';

const scanning: readonly Mutant[] = [
  {
    name: 'failed-listing-is-empty',
    fault: 'a folder that cannot be listed counts as an empty one',
    recreates: 'syncthing#10487, rclone#1186',
    rewrites: [
      {
        file: 'client/agent/folder/walk.ts',
        from: 'this.complete = false;\n      return undefined;',
        to: 'return [];',
      },
    ],
  },
  {
    name: 'unmounted-root-is-empty',
    fault: 'a root without its marker is scanned like any other',
    recreates: 'syncthing#10487: the disk was not mounted',
    rewrites: [
      {
        file: 'client/agent/folder/control-folder.ts',
        from: 'halt(`${root} has no marker of Tidemark (${markerPath}): is its disk mounted? Nothing was changed`);',
        to: 'return makeControlFolder(fs, root);',
      },
    ],
  },
  {
    name: 'stat-after-reading',
    isOpen: true,
    fault: 'a file that changes while it is read is known by its new stat and its old bytes',
    recreates: 'nextcloud/desktop#9271',
    rewrites: [
      {
        file: 'client/agent/folder/hash-files.ts',
        from: 'const stat = toStatMark(before);\n    if (bytesRead !== before.size || !sameMark(stat, fs.stat(handle))) {',
        to: 'const stat = toStatMark(fs.stat(handle));\n    if (bytesRead < 0) {',
      },
    ],
  },
  {
    name: 'time-of-change-is-ignored',
    isOpen: true,
    fault: 'a file of the same size and mtime is not read, whatever its ctime says',
    recreates: 'nextcloud/desktop#4016: the mtime was believed',
    rewrites: [
      {
        file: 'client/agent/folder/stat-mark.ts',
        from: '    a.ctimeMs === b.ctimeMs &&\n    a.ino === b.ino',
        to: '    a.ino === b.ino',
      },
    ],
  },
  {
    name: 'coarse-times-are-believed',
    isOpen: true,
    fault: 'a file that was written again within one tick of the clock of the disk counts as read',
    recreates: "git's racy index",
    rewrites: [
      {
        file: 'client/agent/folder/reading.ts',
        from: 'hashed.stat.ctimeMs >= this.#needs.beganMs ? unsureMark(hashed.stat) : hashed.stat',
        to: 'hashed.stat',
      },
    ],
  },
  {
    name: 'unreadable-name-is-missing',
    isOpen: true,
    fault: 'a name whose stat fails does not stop the scan from proving absence',
    recreates: 'restic#4612: an error was taken for absence',
    rewrites: [
      {
        file: 'client/agent/folder/walk.ts',
        from: 'nothing proves that one is missing.\n      this.complete = false;',
        to: '',
      },
    ],
  },
  {
    name: 'parked-nodes-are-swept',
    isOpen: true,
    fault: "the sweep of temp files takes a node along that waits for its place: somebody's only copy",
    recreates: 'haiwen/seafile PR#2462',
    rewrites: [
      {
        file: 'client/agent/folder/control-folder.ts',
        from: 'const tempName = /^w-[0-9a-z-]{1,96}$/;',
        to: 'const tempName = /^[0-9a-z-]{1,96}$/;',
      },
    ],
  },
];

const moving: Mutant = {
  name: 'moves-under-the-walk-are-missed',
  isOpen: true,
  fault: 'a file that is moved while the folder is listed counts as deleted',
  recreates: 'a listing that is not a picture of one moment',
  rewrites: [
    {
      file: 'client/agent/folder/steady-picture.ts',
      from: 'return new Picture(walk, beganMs, setting).findMoving(signal);',
      to: 'return Promise.resolve(undefined);',
    },
  ],
};

const planning: readonly Mutant[] = [
  {
    name: 'remote-delete-beats-local-edit',
    fault: 'a file that was edited here and deleted there is deleted here',
    recreates: 'abraunegg/onedrive#2616, #2625',
    rewrites: [
      {
        file: 'client/agent/plan/decide.ts',
        from: 'if (remote === undefined) return changed ? create : pull;',
        to: 'if (remote === undefined) return pull;',
      },
    ],
  },
  {
    name: 'same-name-is-same-file',
    fault: 'what is new on both sides under one name counts as one file, whatever is in it',
    recreates: 'the first sync of two full folders, by name only',
    rewrites: [
      {
        file: 'client/agent/plan/matches.ts',
        from: 'if (there === undefined || !holdsBytes(local, there.entry)) return;',
        to: 'if (there === undefined) return;',
      },
    ],
  },
  {
    name: 'claims-to-have-seen',
    fault: 'an edit says that it is based on what the server has, not on what was seen here',
    recreates: 'syncthing#3876: a device without history looked like an ancestor',
    rewrites: [
      {
        file: 'client/agent/plan/operations.ts',
        from: '    base: synced?.version ?? emptyVersion,\n    mtimeMs',
        to: '    base: decider.trees.remote(node.nodeId)?.entry.version ?? synced?.version ?? emptyVersion,\n    mtimeMs',
      },
    ],
  },
  {
    name: 'takes-over-unseen-versions',
    isOpen: true,
    fault: 'the version that a commit answers is taken for seen, with the edits of others in it',
    recreates: 'syncthing#10349: causality got lost on the way through another device',
    rewrites: [
      {
        file: 'client/agent/engine/digest.ts',
        from: "=== 'equal' ? version : before.version;",
        to: "=== 'equal' ? version : version;",
      },
    ],
  },
];

const applying: readonly Mutant[] = [
  {
    name: 'failed-download-is-done',
    fault: 'what could not be applied counts as applied, and is missing at the next scan',
    recreates: 'abraunegg/onedrive#3015, #3393',
    rewrites: [
      {
        file: 'client/agent/engine/apply.ts',
        from: 'if (!result.done) {',
        to: 'if (!result.done && result.problem.code === undefined) {',
      },
    ],
  },
  {
    name: 'journal-before-disk',
    fault: 'downloads are in the journal before they are on the disk',
    recreates: 'nextcloud/desktop#9280',
    rewrites: [
      {
        file: 'client/agent/engine/apply.ts',
        from: 'journal.intents.add(actions.map(actionToIntent));',
        to: "journal.transaction(() => { for (const one of batch) if (one.action.kind === 'write-file') settleNode(journal.trees, one, noStat); });",
      },
    ],
  },
  {
    name: 'bytes-are-not-flushed',
    fault: 'files are renamed into place before their bytes are on the disk',
    recreates: 'nextcloud/desktop#10547',
    rewrites: [
      {
        file: 'client/agent/folder/apply.ts',
        from: 'const flushFault = await this.#flush(temps);',
        to: "const flushFault: Pick<Problem, 'code' | 'detail'> | undefined = undefined;",
      },
    ],
  },
  {
    name: 'folders-are-not-flushed',
    fault: 'the journal says that files are in place whose names are not on the disk yet',
    recreates: 'nextcloud/desktop#9280, by the names',
    rewrites: [{ file: 'client/agent/folder/carry-out.ts', from: '      applier.flush();\n', to: '' }],
  },
  {
    name: 'full-disk-counts-as-written',
    isOpen: true,
    fault: 'a file that could be written in part only is put in place',
    recreates: 'nextcloud/desktop#359',
    rewrites: [
      {
        file: 'client/agent/folder/write-files.ts',
        from: 'if (handle !== null) this.#discard(part, handle);\n',
        to: 'if (handle !== null && !(error instanceof ChunkFault)) return { written: true, handle: null };\n',
      },
    ],
  },
  {
    name: 'download-is-not-hashed',
    fault: 'bytes are put in place that nobody compared with their hash',
    recreates: 'ETH Zurich, eprint 2024/1616: storage swaps bytes',
    rewrites: [
      {
        file: 'client/agent/folder/write-files.ts',
        from: 'if (!isThere || !equalBytes(blake3(chunk), hashes.subarray(i * digestBytes, (i + 1) * digestBytes))) {',
        to: 'if (!isThere) {',
      },
    ],
  },
  {
    name: 'offset-after-known-chunks',
    isOpen: true,
    fault: 'the place of a chunk in its file is counted over fetched chunks only',
    recreates: 'Dropbox, found by its own simulation',
    rewrites: [
      {
        file: 'client/agent/folder/write-files.ts',
        from: '      position += chunk.length;\n',
        to: '      if (source[i]! < 0) position += chunk.length;\n',
      },
    ],
  },
  {
    name: 'write-over-unsynced-edit',
    fault: 'a download replaces what the user wrote since the scan',
    recreates: 'a user edit between check and rename',
    rewrites: [
      {
        file: 'client/agent/folder/applier.ts',
        from: 'this.#checkExpected(found, action.expected);\n    const from = this.#folders.at(temp);',
        to: 'const from = this.#folders.at(temp);',
      },
    ],
  },
  {
    name: 'remove-unsynced-edit',
    fault: 'a delete from elsewhere removes what the user wrote since the scan',
    recreates: 'abraunegg/onedrive#2616, between scan and delete',
    rewrites: [
      {
        file: 'client/agent/folder/applier.ts',
        from: 'if (found === undefined) return null;\n    this.#checkExpected(found, action.expected);',
        to: 'if (found === undefined) return null;',
      },
    ],
  },
  {
    name: 'move-onto-unsynced-file',
    isOpen: true,
    fault: 'a move from elsewhere replaces a file that is not synced yet',
    recreates: 'haiwen/seafile PR#2462: the only copy went with a rename',
    rewrites: [
      {
        file: 'client/agent/folder/applier.ts',
        from: 'if (there !== undefined && !(sameInode(there, found) && isCaseChange(from, path))) {',
        to: 'if (there !== undefined && there.kind !== found.kind) {',
      },
    ],
  },
  {
    name: 'remote-deletes-are-forgotten',
    fault: 'what the journal takes away stays on this device',
    recreates: 'syncthing#6284: a late device keeps what was deleted',
    rewrites: [
      {
        file: 'client/agent/engine/pull.ts',
        from: 'for (const nodeId of gone) journal.trees.setRemote(nodeId, undefined);',
        to: '',
      },
    ],
  },
];

export const clientMutants: readonly Mutant[] = [...scanning, moving, ...planning, ...applying];
