/** Everything read again and held against what the server signed; with `repair`, what is damaged is fetched anew. */
import { fileSystemOfLink } from '../../agent/folder/mapped-file-system.ts';
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import type { Problem } from '../../agent/ports.ts';
import { setAside } from '../../agent/verify/set-aside.ts';
import { type FileOfFolder, verifyContents } from '../../agent/verify/verify-contents.ts';
import { type VerifiedMark, findJournalFaults, verifyMark } from '../../agent/verify/verify-journal.ts';
import { executorOfLink } from '../../agent/workers/mapped-executor.ts';
import { createWorkerPool } from '../../agent/workers/worker-pool.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Agent } from '../agent.ts';
import { trafficSince } from '../connection.ts';
import { type ActionControl, defineAction, parseFlag, parseParams } from './action.ts';

export interface VerifyParams {
  readonly repair: boolean;
}

export interface RepairedFile {
  readonly path: string;
  /** Where the damaged file is now. */
  readonly aside: string;
  /** Whether the workspace's content is at its path again. */
  readonly fetched: boolean;
}

export interface VerifyResult {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Changed here and not synced yet. */
  readonly waiting: number;
  readonly damaged: readonly Pick<FileOfFolder, 'path' | 'size' | 'content'>[];
  readonly problems: readonly Problem[];
  readonly mark: VerifiedMark;
  readonly journalFaults: readonly string[];
  readonly repaired: readonly RepairedFile[];
  /** Nothing is damaged and nothing differs; after a repair, nothing any more. */
  readonly sound: boolean;
}

async function readAll(agent: Agent, { signal, progress }: ActionControl) {
  const before = { ...agent.connection.traffic };
  const executor = executorOfLink(createWorkerPool(), agent.folder, agent.link);
  const tell = (done: { readonly files: number; readonly bytes: number; readonly total: number }): void => {
    const event = { phase: 'scanning' as const, done: done.files, total: done.total, bytes: done.bytes };
    progress(event, trafficSince(agent.connection.traffic, before));
  };
  try {
    return await verifyContents({ journal: agent.journal, executor, root: agent.folder, progress: tell }, signal);
  } finally {
    await executor.close();
  }
}

/** Nothing is touched unless the server can be asked: else a file would be away for as long as it cannot. */
async function repair(agent: Agent, damaged: readonly FileOfFolder[], signal: AbortSignal): Promise<RepairedFile[]> {
  const { engine, folder, journal } = agent;
  await engine.dryRun(signal, { massDeletionAllowed: true });
  const fs = fileSystemOfLink(createNodeFileSystem(), folder, agent.link);
  const date = new Date().toISOString().slice(0, 10);
  const moved = damaged.flatMap((file) => {
    const aside = setAside(fs, folder, journal, file, date);
    return aside === undefined ? [] : [{ file, aside }];
  });
  await engine.sync(signal);
  return moved.map(({ file, aside }) => {
    const node = journal.trees.getLocal(file.nodeId);
    return { path: file.path, aside, fetched: node?.content === file.content && journal.localPath(node) === file.path };
  });
}

export const verifyAction = defineAction<VerifyParams, VerifyResult>({
  name: 'verify',
  parse: (value) => {
    const { repair } = parseParams(value, ['repair']);
    return { repair: parseFlag(repair, 'repair') };
  },
  run: async (agent, params, control) => {
    const { journal, folder, engine } = agent;
    const journalFaults = await findJournalFaults(journal);
    if (params.repair && journalFaults.length > 0) {
      // The folder then goes on as a new device: see where this is explained.
      throw new TidemarkError('corrupt', "the agent's journal is damaged", { data: { journal: true } });
    }
    await engine.look(control.signal);
    const read = await readAll(agent, control);
    const mark = await verifyMark(journal);
    const repaired = params.repair && read.damaged.length > 0 ? await repair(agent, read.damaged, control.signal) : [];
    const isWhole = repaired.length === read.damaged.length && repaired.every(({ fetched }) => fetched);
    return {
      folder,
      ...read,
      damaged: read.damaged.map(({ path, size, content }) => ({ path, size, content })),
      mark,
      journalFaults,
      repaired,
      sound: isWhole && read.problems.length === 0 && mark.state !== 'differs' && journalFaults.length === 0,
    };
  },
});
