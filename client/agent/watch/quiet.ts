/**
 * Debouncing: changes are looked at when they have paused, or when they have gone on for long enough.
 *
 * A pause of `pace.quietMs` makes one edit of what an editor or a program does in several steps. Somebody who saves a file waits for it,
 * so a few paths that change out of the blue, none of them by a name that programs give to what they will rename, are a save, and over
 * after `pace.saveMs`: a file is written at one go in less. What comes sooner than `quietMs` after the last change is no save but a part
 * of something longer. So a program that goes on writing is looked at once more than without this rule, in the beginning, never more often.
 */
import { pace } from './pace.ts';

/** A save touches the file, a second one that takes its place, and perhaps a third that keeps the old one. */
const savedPathsMax = 4;

/** Names of files that are there until they are renamed or deleted: `.note.txt.swp`, `~$a.doc`, `#a#`, `4913`, `a.txt~`, `a.part`. */
const passingName =
  /^(?:[.~#].*|\d+)$|(?:~|\.(?:tmp|temp|new|bak|swp|lock|part|partial|download|crdownload|filepart))$/iu;

function isPassing(path: string): boolean {
  return passingName.test(path.slice(path.lastIndexOf('/') + 1));
}

export class Quiet {
  #first: number | undefined;
  #last = -Infinity;
  readonly #paths = new Set<string>();
  #isSave = false;
  /** Since the last look. */
  changes = 0;

  /** `path`: undefined where it is not known. */
  note(now: number, path: string | undefined): void {
    if (this.#first === undefined) {
      this.#first = now;
      this.#isSave = now - this.#last >= pace.quietMs;
    }
    this.#last = now;
    this.changes++;
    if (!this.#isSave) return;
    if (path !== undefined) this.#paths.add(path);
    this.#isSave = path !== undefined && !isPassing(path) && this.#paths.size <= savedPathsMax;
  }

  /** When to look; Infinity when nothing has changed. */
  get dueAt(): number {
    if (this.#first === undefined) return Infinity;
    return Math.min(this.#last + (this.#isSave ? pace.saveMs : pace.quietMs), this.#first + pace.busyMs);
  }

  clear(): void {
    this.#first = undefined;
    this.#paths.clear();
    this.changes = 0;
  }
}
