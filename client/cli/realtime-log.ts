/**
 * What the realtime channel of a server tells, in the log of `tide watch`. As there, a line is written when something changed: while a
 * connection is away, further tries that fail are not told.
 */
import type { ChannelNote } from '../agent/realtime/channel-needs.ts';
import { countToText } from './context.ts';
import type { WriteLine } from './watch-log.ts';

const lossTexts: Readonly<Record<Extract<ChannelNote, { kind: 'lost' }>['reason'], string>> = {
  unreachable: 'it cannot be reached',
  refused: 'it refused the connection',
  lost: 'the connection ended',
  silent: 'nothing came over the connection any more',
  slow: 'it did not answer in time',
};

const goesOn = 'the server is asked at intervals until then';
const polled = 'for them the server is asked at intervals';

export class RealtimeLog {
  readonly #server: string;
  readonly #write: WriteLine;
  #last: 'connected' | 'away' | 'absent' | undefined;

  constructor(server: string, write: WriteLine) {
    this.#server = server;
    this.#write = write;
  }

  tell(note: ChannelNote): void {
    switch (note.kind) {
      case 'connected': {
        const text = `realtime: connected; changes elsewhere are told at once to ${countToText(note.folders, 'folder')}`;
        return this.#enter('connected', note, text);
      }
      case 'lost':
        return this.#enter('away', note, `realtime: ${lossTexts[note.reason]}; tried again, ${goesOn}`);
      case 'failed':
        return this.#enter('away', note, `realtime: the server does not say where to listen (${note.code}); ${goesOn}`);
      case 'absent':
        return this.#enter(
          'absent',
          note,
          'realtime: there is none for these folders; the server is asked at intervals',
        );
      case 'refused':
        if (note.workspaces.length === 0) return;
        return this.#line(
          'warn',
          note,
          `realtime: refused for ${countToText(note.workspaces.length, 'workspace')}; ${polled}`,
        );
      case 'crowded':
        if (note.folders === 0) return;
        return this.#line(
          'warn',
          note,
          `realtime: ${countToText(note.folders, 'folder')} more than it takes; ${polled}`,
        );
    }
  }

  #enter(state: 'connected' | 'away' | 'absent', note: ChannelNote, text: string): void {
    // Connected anew after folders came or went is not a change of state, and worth a line.
    if (state === this.#last && state !== 'connected') return;
    this.#last = state;
    this.#line('info', note, text);
  }

  #line(level: 'info' | 'warn', { kind, ...fields }: ChannelNote, text: string): void {
    this.#write(level, { event: 'realtime', server: this.#server, state: kind, ...fields }, text);
  }
}
