/** What the agent that watches a folder does, as lines for people. */
import type { WatchState, WatchView } from '../agent/watch/watch-state.ts';
import { bytesToText, nameToText } from './context.ts';
import { pauseToText, timeToText } from './pause-text.ts';

function stateToText({ state, progress }: WatchView): string {
  switch (state.name) {
    case 'syncing':
      return `syncing${progress === null ? '' : `: ${progressToText(progress)}`}`;
    case 'waiting':
      return `waiting: ${state.message}; next try at ${timeToText(state.untilMs)}`;
    case 'absent':
      return `${state.message}; next look at ${timeToText(state.untilMs)}`;
    case 'halted':
      return `halted: ${state.message} (\`tide sync --allow-mass-delete\`)`;
    case 'revoked':
      return `revoked: ${state.message}`;
    case 'paused':
      return `paused ${pauseToText(state)}`;
    default:
      return quietStates[state.name];
  }
}

const quietStates: Readonly<
  Record<Exclude<WatchState['name'], 'syncing' | 'waiting' | 'absent' | 'halted' | 'revoked' | 'paused'>, string>
> = {
  idle: 'watching',
  opening: 'starting',
  stopped: 'stopped',
};

function progressToText({ phase, done, total, bytes }: NonNullable<WatchView['progress']>): string {
  const of = total > 0 ? ` ${done} of ${total}` : done > 0 ? ` ${done}` : '';
  return `${phase}${of}${bytes > 0 ? `, ${bytesToText(bytes)}` : ''}`;
}

const realtimeTexts: Readonly<Record<WatchView['realtime'], string>> = {
  live: '  realtime: live, changes elsewhere are told at once',
  polling: '  realtime: not connected, the server is asked at intervals',
  off: '  realtime: off, the server is asked at intervals',
};

/** Nothing where no agent runs. */
export function watchToLines(view: WatchView | null): string[] {
  if (view === null) return [];
  const { watcher, lastSyncMs, realtime } = view;
  const last =
    lastSyncMs === null ? 'not equal to the workspace since it began' : `last equal at ${timeToText(lastSyncMs)}`;
  const looks =
    watcher.mode === 'events'
      ? []
      : [`  looked at every half minute: ${nameToText(watcher.reason ?? 'it is not open')}`];
  const isOpen = view.state.name !== 'opening' && view.state.name !== 'absent';
  return [`  agent: ${stateToText(view)}; ${last}`, ...(isOpen ? [realtimeTexts[realtime], ...looks] : [])];
}
