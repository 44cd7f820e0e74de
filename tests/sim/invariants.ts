/** What must hold of devices, workspace and storage, whatever happens: the promises by their numbers, and where each is checked. */

export interface Promised {
  readonly promise: string;
  /** Where, when, and against what. */
  readonly checked: string;
}

export const invariants = {
  I1: {
    promise: 'an acknowledged version can be rebuilt from storage alone',
    checked:
      'server-view.ts puts each committed content together from chunk index and packs; check-storage.ts runs the deep check of storage over the whole history, at the end',
  },
  I2: {
    promise: 'content leaves view only by an author who had seen it',
    checked:
      'disk-faults.ts at each call of an agent that removes or replaces a file: the workspace has its bytes, or a user took them away; checks.ts at rest: what nobody took away is somewhere',
  },
  I3: {
    promise: 'no path ever shows bytes that no user wrote',
    checked:
      'disk-faults.ts at each rename of an agent that puts a file in view; checks.ts over every file of a device after each crash and at rest, and over the workspace at rest',
  },
  I4: {
    promise: 'a delete needs proof',
    checked: 'server-view.ts at each commit: a content that leaves the workspace was taken away by a user',
  },
  I5: {
    promise: 'at rest local = synced = remote everywhere, within three rounds',
    checked: 'history.ts counts the rounds; checks.ts compares trees and marks, to the byte',
  },
  I6: {
    promise: 'heads form one total order',
    checked:
      'server-view.ts at each commit: seq without a gap, previous root, chain; history.ts at the end of each sync: the head that a device follows is one of them',
  },
  I7: {
    promise: 'a request applied n times is applied once',
    checked:
      'server-view.ts: no request is in the journal twice, and each is answered the same whenever it is answered',
  },
  I8: {
    promise: 'events may be lost, repeated, reordered',
    checked:
      'history.ts at rest: a history in which blob events or notifications were lost, repeated, late or made up keeps all other promises; once the faults have ended, devices that are told of every commit follow the head without a question. watch.ts at each notification: nothing is changed by it; at each look: what was truly told of is followed, and looks in vain are no more than questions. notifications.test.ts: the end is the same at every rate',
  },
  I9: {
    promise: "a committed root's chunks are all verified",
    checked: 'server-view.ts at each commit, in the chunk index as it is at that moment',
  },
  I16: {
    promise: 'the agent writes only inside its root',
    checked: 'disk-faults.ts at each changing call; checks.ts at rest looks at what lies beside the root',
  },
  I17: {
    promise: 'at every crash point each path has whole old or whole new content',
    checked:
      'history.ts after each crash, with the page cache lost or not; disk-faults.ts: no agent opens a file in view to write; checks.ts at rest: no temp file is left',
  },
  I18: {
    promise: 'outcomes are a function of commit order and versions: replaying the journal gives them again',
    checked:
      'server-view.ts replays each entry on the tree before it and compares the root; replay-outcomes.ts does each answered commit again and compares outcomes and edits',
  },
  I20: {
    promise: '"up to date" is shown only when true',
    checked: 'checks.ts at the end of each sync that says so and that no user disturbed; at rest also the status',
  },
  I23: {
    promise: 'once faults stop, everything ends, and without an error; before, only with an error of the world',
    checked: 'checks.ts at each sync that failed; history.ts bounds the steps of each sync and the rounds to rest',
  },
} as const satisfies Readonly<Record<string, Promised>>;

export type Invariant = keyof typeof invariants;

export function isInvariant(text: string): text is Invariant {
  return Object.hasOwn(invariants, text);
}
