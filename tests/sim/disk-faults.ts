/**
 * What happens to an agent at its calls of the file system: errors, the death of the process, and a user who works at the same
 * time. Also the watch over what it does there: it writes in its control folder and puts in place what users wrote, and
 * it touches nothing outside its root.
 */
import type { FileSystem } from '../../client/agent/file-system.ts';
import { tempFolder } from '../../client/agent/folder/control-folder.ts';
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import type { TaskName } from '../../client/agent/workers/executor.ts';
import type { Contents } from './contents.ts';
import type { Random } from './random.ts';
import { fileError } from './simulated-names.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import { root } from './tree.ts';
import type { User } from './user.ts';

type Call = keyof FileSystem;

const changes: ReadonlySet<Call> = new Set<Call>([
  'openNew',
  'write',
  'truncate',
  'setTimes',
  'rename',
  'makeFolder',
  'removeFolder',
  'removeFile',
  'makeLink',
  'setMode',
]);

/** Calls before which somebody may do something: not between the last look at a file and the one call that replaces it, which no system can close. */
const interruptible: ReadonlySet<Call> = new Set<Call>([
  'list',
  'openRead',
  'read',
  'stat',
  'readLink',
  'flush',
  'flushFolder',
]);

const errorsOf: Partial<Record<Call, readonly string[]>> = {
  list: ['EIO', 'EACCES', 'EMFILE'],
  lstat: ['EIO', 'EACCES'],
  openRead: ['EACCES', 'EIO', 'EMFILE', 'ENOENT'],
  read: ['EIO'],
  openNew: ['ENOSPC', 'EMFILE', 'EIO'],
  write: ['ENOSPC', 'EIO', 'EDQUOT'],
  flush: ['EIO', 'ENOSPC'],
  flushFolder: ['EIO'],
  flushAll: ['EIO'],
  rename: ['EIO', 'EACCES', 'EBUSY', 'ENOSPC'],
  removeFile: ['EACCES', 'EIO'],
  removeFolder: ['EACCES'],
  makeFolder: ['ENOSPC', 'EACCES'],
  setMode: ['EPERM'],
  makeLink: ['EPERM', 'ENOSPC'],
};

export interface DiskFaultRates {
  readonly errors: number;
  readonly kills: number;
  readonly interruptions: number;
}

const noRates: DiskFaultRates = { errors: 0, kills: 0, interruptions: 0 };

export class DiskFaults {
  readonly #fs: SimulatedFileSystem;
  readonly #user: User;
  readonly #contents: Contents;
  readonly #random: Random;
  readonly #given: DiskFaultRates;
  #rates: DiskFaultRates = noRates;
  #task: TaskName | null = null;
  readonly #report: (what: string) => void;
  readonly #interrupt: () => void;
  readonly #note: (line: string) => void;
  /** Throws. */
  onKill: () => void = () => undefined;
  /** Throws when the process is dead: a dead one calls nothing. */
  beAlive: () => void = () => undefined;

  constructor(setting: {
    readonly fs: SimulatedFileSystem;
    readonly user: User;
    readonly contents: Contents;
    readonly random: Random;
    readonly rates: DiskFaultRates;
    /** A promise that the agent broke. */
    readonly report: (what: string) => void;
    /** For the trace. */
    readonly note: (line: string) => void;
    /** Lets the user act in the middle of a call. */
    readonly interrupt: () => void;
  }) {
    this.#fs = setting.fs;
    this.#user = setting.user;
    this.#contents = setting.contents;
    this.#random = setting.random;
    this.#given = setting.rates;
    this.#report = setting.report;
    this.#interrupt = setting.interrupt;
    this.#note = setting.note;
    this.#fs.onCall = (call, path) => this.#onCall(call, path);
  }

  /** No faults until `go`. */
  pause(): void {
    this.#rates = noRates;
  }

  go(): void {
    this.#rates = this.#given;
  }

  reset(): void {
    this.#task = null;
  }

  beginTask(name: TaskName): void {
    this.#task = name;
  }

  endTask(): void {
    this.#task = null;
  }

  passTransaction(): void {
    if (this.#random.chance(this.#rates.kills)) this.onKill();
  }

  #onCall(call: Call, path: string): void {
    if (this.#user.isActing) return;
    this.beAlive();
    if (this.#random.chance(this.#rates.kills)) this.onKill();
    if (this.#random.chance(this.#rates.errors)) this.#fail(call, path);
    const mayInterrupt = interruptible.has(call) && (this.#task !== 'carryOut' || call === 'flushFolder');
    if (mayInterrupt && this.#random.chance(this.#rates.interruptions)) this.#interrupt();
    if (changes.has(call)) this.#watch(call, path);
  }

  #fail(call: Call, path: string): void {
    const codes = errorsOf[call];
    if (codes === undefined) return;
    const code = this.#random.pick(codes);
    this.#note(`${code} at ${call} ${path}`);
    throw fileError(code, call, path);
  }

  #watch(call: Call, path: string): void {
    const own = `${root}/${controlFolder}`;
    if (!path.startsWith(`${root}/`)) this.#report(`I16: the agent called ${call} on ${path}`);
    if ((call === 'openNew' || call === 'write') && !path.startsWith(`${own}/`)) {
      this.#report(`I17: the agent wrote in place at ${path}`);
    }
    if (call === 'rename' && path.startsWith(`${root}/${tempFolder}/`) && !path.endsWith('/w-marker'))
      this.#watchArrival(path);
  }

  /** What comes into view is something that a user wrote, whole. */
  #watchArrival(path: string): void {
    const { isActing } = this.#user;
    this.#user.isActing = true;
    try {
      if (this.#fs.lstat(path)?.kind !== 'file') return;
      if (!this.#contents.isKnown(this.#fs.readFile(path)))
        this.#report('I3: the agent put bytes in view that nobody wrote');
    } finally {
      this.#user.isActing = isActing;
    }
  }
}
