/** Settles conflict copies as a person said: after a sync, so that the server has all that goes; and then a sync tells it. */
import { type OpenConflict, listOpenConflicts } from '../../agent/conflicts/list-conflicts.ts';
import { type Keep, type Refusal, resolveConflict } from '../../agent/conflicts/resolve-conflicts.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Agent } from '../agent.ts';
import { type ActionControl, defineAction, parseFlag, parseParams, parseText } from './action.ts';
import { type SyncResult, syncAction } from './sync.ts';

export interface ResolveParams {
  /** Of copies, or of originals: then all their copies are meant. In the workspace, `/`-separated. */
  readonly paths: readonly string[];
  /** All there are, instead of `paths`. */
  readonly all: boolean;
  readonly keep: Keep;
}

export interface ResolveResult {
  readonly folder: string;
  readonly resolved: readonly { readonly copy: string; readonly original: string | null }[];
  readonly refused: readonly { readonly copy: string; readonly reason: Refusal }[];
  /** Of the last sync. */
  readonly sync: SyncResult;
}

/** Deletions that are told in one sync: so many that they do not look like a mass deletion, which the person did not allow. */
const batchMax = 500;
const batchFilesShare = 8;

function parseKeep(value: unknown): Keep {
  if (value === 'local' || value === 'remote' || value === 'both') return value;
  throw new TidemarkError('malformed', '"keep" is local, remote or both');
}

function parsePaths(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > 100_000) throw new TidemarkError('malformed', '"paths" is not a list');
  return value.map((path) => parseText(path, 'paths'));
}

/** Throws `not-found` for a path that is in no conflict. */
function choose(conflicts: readonly OpenConflict[], { paths, all }: ResolveParams): readonly OpenConflict[] {
  if (all) return conflicts;
  const chosen = new Set<OpenConflict>();
  for (const path of paths) {
    const found = conflicts.filter(({ copyPath, originalPath }) => copyPath === path || originalPath === path);
    if (found.length === 0) {
      throw new TidemarkError('not-found', `${path} is in no conflict; \`tide conflicts\` lists those that there are`);
    }
    for (const conflict of found) chosen.add(conflict);
  }
  return [...chosen];
}

/** Originals that more than one of these copies is of: which of them is to have the place, only a person knows. */
function findContested(conflicts: readonly OpenConflict[]): ReadonlySet<NodeId> {
  const byOriginal = Map.groupBy(conflicts, ({ original }) => original?.nodeId);
  return new Set([...byOriginal].flatMap(([id, copies]) => (id !== undefined && copies.length > 1 ? [id] : [])));
}

async function resolveAll(agent: Agent, params: ResolveParams, control: ActionControl): Promise<ResolveResult> {
  const { journal, syncedFolder, folder } = agent;
  const sync = () => syncAction.run(agent, { massDeletionAllowed: false, force: false }, control);
  let last = await sync();
  const chosen = choose(listOpenConflicts(journal), params);
  const contested = params.keep === 'local' ? findContested(chosen) : new Set<NodeId>();
  const resolved: { copy: string; original: string | null }[] = [];
  const refused: { copy: string; reason: Refusal }[] = [];
  const batch = Math.max(1, Math.min(batchMax, Math.floor(last.files / batchFilesShare)));
  let waiting = 0;
  for (const conflict of chosen) {
    const { copyPath: copy, originalPath, original } = conflict;
    const isContested = original !== null && contested.has(original.nodeId);
    const tools = { journal, folder: syncedFolder, signal: control.signal };
    const reason = isContested ? 'several-copies' : await resolveConflict(tools, conflict, params.keep);
    if (reason === null) resolved.push({ copy, original: originalPath });
    else refused.push({ copy, reason });
    if (reason !== null || ++waiting < batch) continue;
    last = await sync();
    waiting = 0;
  }
  if (waiting > 0) last = await sync();
  return { folder, resolved, refused, sync: last };
}

export const resolveConflictsAction = defineAction<ResolveParams, ResolveResult>({
  name: 'resolve-conflicts',
  parse: (value) => {
    const { paths, all, keep } = parseParams(value, ['paths', 'all', 'keep']);
    return { paths: parsePaths(paths), all: parseFlag(all, 'all'), keep: parseKeep(keep) };
  },
  run: resolveAll,
});
