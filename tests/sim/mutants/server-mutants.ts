/** Faults of the services. The names are in docs and records: a renamed mutant is another one. */
import type { Mutant } from './mutant.ts';

const merging: readonly Mutant[] = [
  {
    name: 'delete-beats-unseen-edit',
    fault: 'a delete takes an edit along that its author had not seen',
    recreates: 'abraunegg/onedrive#2616, on the server',
    rewrites: [
      {
        file: 'shared/services/merge/apply-delete.ts',
        from: "if (!(await hadSeen(context, current.entry, operation.base))) return standing('kept', current);",
        to: '',
      },
    ],
  },
  {
    name: 'delete-takes-new-children',
    fault: 'a folder is deleted with what others put into it meanwhile',
    recreates: 'a folder deleted while a file is created in it',
    rewrites: [
      {
        file: 'shared/services/merge/apply-delete.ts',
        from: "if (current.entry.kind === 'folder' && (await tree.hasChildren(nodeId))) return standing('kept', current);",
        to: '',
      },
    ],
  },
  {
    name: 'every-edit-has-seen-all',
    fault: 'the later of two edits replaces the earlier one',
    recreates: 'syncthing#3876: versions that are compared wrongly',
    rewrites: [
      {
        file: 'shared/services/merge/merge-context.ts',
        from: 'if (dominates(base, current.version)) return true;',
        to: 'if (base.length > 0 || dominates(base, current.version)) return true;',
      },
    ],
  },
  {
    name: 'new-file-replaces-namesake',
    fault: 'of two new files of one name the second takes the place of the first',
    recreates: 'two nodes for one name',
    rewrites: [
      {
        file: 'shared/services/merge/apply-content.ts',
        from: "return placeBeside(context, operation, wanted, { status: 'renamed', nodeId, version });",
        to: "await context.tree.put(wanted, toEntry(operation, nodeId, version));\n  return outcomeAt('applied', nodeId, wanted, version);",
      },
    ],
  },
  {
    name: 'moves-replace-namesakes',
    fault: 'a move to a name that is taken replaces what has it',
    recreates: 'two nodes for one name, by a move',
    rewrites: [
      {
        file: 'shared/services/merge/apply-move.ts',
        from: 'const taken = (await tree.get(wanted)) !== undefined;',
        to: 'const taken = false;',
      },
    ],
  },
  {
    name: 'folders-go-round',
    isOpen: true,
    fault: 'A goes into B while B goes into A',
    recreates: 'a ring of folders, which nothing leads to any more',
    rewrites: [
      {
        file: 'shared/services/merge/placement.ts',
        from: "if (moving !== undefined && (await context.tree.isWithin(place.parentId, moving))) return 'cycle';",
        to: '',
      },
    ],
  },
];

const committing: readonly Mutant[] = [
  {
    name: 'lost-race-is-acknowledged',
    fault: 'a commit that came second is answered as if it were done',
    recreates: 'an acknowledged write that is nowhere',
    rewrites: [
      { file: 'shared/services/advance-head.ts', from: "if (result === 'lost-race') return undefined;", to: '' },
    ],
  },
  {
    name: 'head-is-not-compared',
    fault: 'the head is replaced whatever it is by then',
    recreates: 'an update without compare-and-set',
    rewrites: [
      {
        file: 'shared/services/advance-head.ts',
        from: '    expected: head,\n    next: { seq: entry.seq,',
        to: '    expected: await mustGetHead(deps, workspaceId),\n    next: { seq: (await mustGetHead(deps, workspaceId)).seq + 1,',
      },
      {
        file: 'shared/services/advance-head.ts',
        from: '    record,\n    request: answerRecord',
        to: '    record: { ...record, seq: (await mustGetHead(deps, workspaceId)).seq + 1 },\n    request: answerRecord',
      },
    ],
  },
  {
    name: 'requests-are-forgotten',
    fault: 'a request that comes again is done again',
    recreates: 'idempotency by luck: a retry that succeeded twice',
    rewrites: [
      { file: 'shared/services/commit.ts', from: 'if (before !== undefined) return before;', to: '' },
      {
        file: 'shared/services/stored-answer.ts',
        from: 'const record = await deps.metadata.journal.getRequest(workspaceId, requestId);',
        to: 'const record = undefined as { bodyHash: Digest; answer: Uint8Array } | undefined;',
      },
      {
        file: 'shared/adapters/memory/memory-journal-store.ts',
        from: "if (this.#requests.has(workspaceId, commit.request.requestId)) return 'request-exists';",
        to: '',
      },
    ],
  },
  {
    name: 'missing-chunks-are-believed',
    fault: 'a file is committed whose bytes nobody has verified',
    recreates: 'xet-core: an upload was skipped on stale knowledge, the file was unreadable',
    rewrites: [
      {
        file: 'shared/services/check-content.ts',
        from: '        missing.add(root);\n        continue;',
        to: '        continue;',
      },
    ],
  },
  {
    name: 'bad-packs-are-recorded',
    fault: 'a pack counts as verified whatever is in it',
    recreates: 'restic#4523: what was stored was never read again',
    rewrites: [
      {
        file: 'shared/core/pack/pack-reader.ts',
        from: 'if (!equalBytes(blake3(plain.subarray(offset, offset + length)), columnBytesAt(footer.hashes, i))) {',
        to: 'if (offset < 0) {',
      },
    ],
  },
];

export const serverMutants: readonly Mutant[] = [...merging, ...committing];
