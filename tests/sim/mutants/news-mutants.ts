/** Faults of telling devices of commits, and of what they make of it. The names are in docs and records: a renamed mutant is another one. */
import type { Mutant } from './mutant.ts';

export const newsMutants: readonly Mutant[] = [
  {
    name: 'notifications-are-not-heard',
    fault: 'what the realtime service tells leads to nothing',
    recreates: 'a client that polls, and nobody noticed',
    rewrites: [
      {
        file: 'client/agent/watch/news.ts',
        from: '    this.#claimedSeq = event.seq;\n    this.#stir();',
        to: '    this.#stir();',
      },
    ],
  },
  {
    name: 'notifications-are-believed',
    fault: 'a notification that the journal does not bear out is looked for until it is true',
    recreates: 'a storm of requests because of one wrong message',
    rewrites: [
      {
        file: 'client/agent/watch/news.ts',
        from: 'if (claimedSeq > seq) this.#doubt();\n    else if (claimedSeq > 0)',
        to: 'if (claimedSeq > 0)',
      },
    ],
  },
  {
    name: 'doubt-has-no-end',
    fault: 'after one wrong notification none is heard any more',
    recreates: 'a client that polls ever after',
    rewrites: [
      {
        file: 'client/agent/watch/news.ts',
        from: '    this.#isDoubting = false;\n    this.#planPoll(asks);',
        to: '    this.#planPoll(asks);',
      },
    ],
  },
  {
    name: 'notifications-are-for-others',
    fault: 'a device hears of its own commits only',
    recreates: 'a comparison the wrong way round',
    rewrites: [
      {
        file: 'client/agent/watch/news.ts',
        from: 'event.deviceId === target.deviceId)',
        to: 'event.deviceId !== target.deviceId)',
      },
    ],
  },
  {
    name: 'commits-are-not-announced',
    fault: 'nobody is told of a commit',
    recreates: 'an announcement that was lost in a refactoring: everything still works, later',
    rewrites: [
      {
        file: 'shared/services/realtime/with-announcements.ts',
        from: 'await announceHead(announcer, input.request, answer.head);',
        to: '',
      },
    ],
  },
];
