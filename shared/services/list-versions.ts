import { TidemarkError } from '../core/errors.ts';
import type { NodeId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { decodeEntry, sameContent } from '../core/tree/entry.ts';
import { samePlace } from '../core/tree/keys.ts';
import type { NodeVersion, NodeVersions, VersionChange } from '../core/wire/node-versions.ts';
import type { Caller } from '../ports/token-verifier.ts';
import type { VersionRecord } from '../ports/version-store.ts';
import { authorise } from './authorise.ts';
import { mustGetHead } from './must-get-head.ts';
import { type ProjectionNeeds, projectVersions } from './project-versions.ts';

/**
 * What commits made of a node, newest first, one page: those below `before`, or from the head on. Every version up to the head of
 * the moment of the call is known.
 * @throws TidemarkError `not-found` for a node that was never there; `busy` when many commits must be looked at first: the same
 * request goes on with that.
 */
export async function listVersions(
  deps: ProjectionNeeds,
  input: {
    readonly caller: Caller;
    readonly workspaceId: WorkspaceId;
    readonly nodeId: NodeId;
    readonly before: number | null;
  },
): Promise<NodeVersions> {
  const { workspaceId, nodeId } = input;
  await authorise(deps, input.caller, workspaceId, 'read');
  const head = await mustGetHead(deps, workspaceId);
  const projected = await projectVersions(deps, workspaceId, head.seq, limits.versionsProjectedMax);
  if (projected.seq < head.seq) {
    throw new TidemarkError('busy', 'the history is being read: ask again', {
      data: { seq: projected.seq, headSeq: head.seq },
    });
  }
  const before = input.before ?? Number.MAX_SAFE_INTEGER;
  // One more than a page: what a commit did shows against the version before it.
  const records = await deps.metadata.versions.list(workspaceId, nodeId, before, limits.versionsPageMax + 1);
  if (records.length === 0 && input.before === null) {
    throw new TidemarkError('not-found', 'there never was such a file or folder in the workspace');
  }
  const versions: NodeVersion[] = [];
  for (const [i, record] of records.slice(0, limits.versionsPageMax).entries()) {
    const version = toVersion(record, records[i + 1]);
    if (version !== undefined) versions.push(version);
  }
  const more = records.length > limits.versionsPageMax;
  return { nodeId, versions, next: more ? records[limits.versionsPageMax - 1]!.seq : null };
}

/** Undefined for a version that says nothing: the end of a node that was not there. */
function toVersion(record: VersionRecord, before: VersionRecord | undefined): NodeVersion | undefined {
  const { seq, timeMs, userId, deviceId } = record;
  const shown = record.entry === null ? before : record;
  if (shown === undefined || shown.entry === null || shown.place === null) return undefined;
  const entry = decodeEntry(shown.entry);
  const { kind, mtimeMs } = entry;
  return {
    seq,
    timeMs,
    userId,
    deviceId,
    kind,
    mtimeMs,
    ...shown.place,
    change: changeOf(record, before),
    size: entry.kind === 'file' ? entry.size : 0,
    content: entry.kind === 'file' ? entry.content : null,
    target: entry.kind === 'symlink' ? entry.target : null,
    sha256: entry.kind === 'file' ? (entry.sha256 ?? null) : null,
  };
}

function changeOf(record: VersionRecord, before: VersionRecord | undefined): VersionChange {
  if (record.entry === null || record.place === null) return 'deleted';
  if (before === undefined) return 'created';
  if (before.entry === null || before.place === null) return 'returned';
  const edited = !sameContent(decodeEntry(before.entry), decodeEntry(record.entry));
  if (samePlace(before.place, record.place)) return 'edited';
  return edited ? 'moved-and-edited' : 'moved';
}
