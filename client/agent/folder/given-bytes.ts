/** A source of contents of which some are at hand already, as those that a merge made: nobody else has them yet. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { FileSystem } from '../file-system.ts';
import type { ApplyAction, Problem } from '../ports.ts';
import type { DownloadJob } from '../transfer/download.ts';
import type { ContentSource } from './apply.ts';
import { errorToProblem } from './file-problem.ts';
import { writeTempWhole } from './whole-files.ts';

/** The bytes that actions bring along, by node, and the actions without them: what is left is small enough to go to any thread. */
export function splitGiven(actions: readonly ApplyAction[]): {
  readonly given: ReadonlyMap<NodeId, Uint8Array>;
  readonly actions: readonly ApplyAction[];
} {
  const given = new Map<NodeId, Uint8Array>();
  const rest = actions.map((action): ApplyAction => {
    if (action.kind !== 'write-file' || action.bytes === undefined) return action;
    const { bytes, ...without } = action;
    given.set(action.nodeId, bytes);
    return without;
  });
  return { given, actions: rest };
}

export function withGivenBytes(
  source: ContentSource,
  given: ReadonlyMap<NodeId, Uint8Array>,
  fs: FileSystem,
  root: string,
): ContentSource {
  const write = (job: DownloadJob, bytes: Uint8Array): Problem | null => {
    try {
      writeTempWhole(fs, root, job, bytes);
      return null;
    } catch (error) {
      return errorToProblem(job.path, error);
    }
  };
  return {
    writeTemps: async (jobs) => {
      const outcomes = jobs.map((job) => {
        const bytes = given.get(job.nodeId);
        return bytes === undefined ? undefined : write(job, bytes);
      });
      const others = jobs.filter((_, i) => outcomes[i] === undefined);
      const fetched = others.length === 0 ? [] : await source.writeTemps(others);
      let next = 0;
      return outcomes.map((outcome) => (outcome === undefined ? (fetched[next++] ?? null) : outcome));
    },
    noteInPlace: (job) => {
      if (!given.has(job.nodeId)) source.noteInPlace(job);
    },
    chunksOf: (job) => (given.has(job.nodeId) ? null : source.chunksOf(job)),
  };
}
