/**
 * Looks at the disk and asks the server, without changing either. Where an agent runs, it tells at once what it knows, also while it
 * syncs; it never says that all is equal when it has not looked since something changed.
 */
import type { SyncStatus } from '../../agent/engine/report.ts';
import { type Pause, heldPause } from '../../agent/watch/pause.ts';
import type { WatchView } from '../../agent/watch/watch-state.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import type { Agent } from '../agent.ts';
import type { DeviceId, WorkspaceId } from '../../../shared/core/ids.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { defineAction, parseParams } from './action.ts';

export interface FolderStatus extends SyncStatus {
  readonly folder: string;
  readonly server: string;
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  /** False when the server could not be asked: `marks.remote` is then as last heard. */
  readonly online: boolean;
  /** Whether the marks of the three trees are one. */
  readonly equal: boolean;
  /** Null when it is not paused; `untilMs` null: until `tide resume`. */
  readonly paused: Pause | null;
  /** What the agent that watches the folder does; null when none does. */
  readonly watch: WatchView | null;
}

/** States of a watch in which the server may have moved on unheard. */
const unheard: ReadonlySet<string> = new Set(['opening', 'waiting', 'absent', 'stopped']);
/** States of a watch that does not look by itself: what it knows may be old, and nobody is at work. */
const resting: ReadonlySet<string> = new Set(['paused', 'halted', 'revoked']);

interface Looked {
  readonly status: SyncStatus;
  readonly online: boolean;
}

/** What is known without a look: of the watch if there is one, else of the sync at work. */
async function recall(agent: Agent, signal: AbortSignal): Promise<Looked> {
  const { engine, live, turns } = agent;
  if (live === undefined) return { status: await engine.status(), online: true };
  const { state, watcher } = live.view();
  const knowsLittle = resting.has(state.name) || (state.name === 'idle' && watcher.mode === 'polling');
  if (knowsLittle && !turns.isTaken) return turns.take(() => look(agent, signal));
  // Changes that were made before the question are told before the answer.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  const status = await live.status();
  return { status, online: !unheard.has(live.view().state.name) };
}

async function look({ engine }: Agent, signal: AbortSignal): Promise<Looked> {
  try {
    await engine.dryRun(signal, { massDeletionAllowed: true });
    return { status: await engine.status(), online: true };
  } catch (error) {
    if (!isTidemarkError(error, 'unavailable')) throw error;
    await engine.look(signal);
    return { status: await engine.status(), online: false };
  }
}

export const statusAction = defineAction<Readonly<Record<string, never>>, FolderStatus>({
  name: 'status',
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  exclusive: false,
  run: async (agent, _params, { signal, isAside }) => {
    const { status, online } = isAside === true ? await recall(agent, signal) : await look(agent, signal);
    const { marks } = status;
    return {
      ...status,
      folder: agent.folder,
      server: agent.connection.server,
      ...agent.link,
      online,
      equal: marks.local === marks.remote && marks.synced === marks.remote,
      // With what was last heard is not with the server: nobody knows what it has by now.
      upToDate: status.upToDate && online,
      paused: heldPause(agent.journal.meta.pause, systemClock.now()) ?? null,
      watch: agent.live?.view() ?? null,
    };
  },
});
