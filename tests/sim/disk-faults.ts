/**
 * What happens to an agent at its calls of the file system: errors, the death of the process, and a user who works at the same
 * time. Also the watch over what it does there: it writes in its control folder and puts in place what users wrote, and
 * it touches nothing outside its root.
 */
import type { FileSystem } from '../../client/agent/file-system.ts';
import { tempFolder } from '../../client/agent/folder/control-folder.ts';
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import type { TaskName } from '../../client/agent/workers/executor.ts';
import { Broken } from './broken.ts';
import type { Contents } from './contents.ts';
import type { Invariant } from './invariants.ts';
import type { Random } from './random.ts';
import { fileError } from './simulated-names.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import type { Tally } from './tally.ts';
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

/** Calls that a full disk refuses. */
const needsRoom: ReadonlySet<Call> = new Set<Call>(['openNew', 'write', 'makeFolder', 'makeLink']);

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
  #isFull = false;
  readonly #report: (what: Broken) => void;
  readonly #isKept: (bytes: Uint8Array) => boolean;
  readonly #tally: Tally;
  readonly #name: string;
  readonly #interrupt: (near: string) => void;
  readonly #note: (line: string) => void;
  /** Of the agent, so far. */
  calls = 0;
  /** Throws. */
  onKill: () => void = () => undefined;
  /** Throws when the process is dead: a dead one calls nothing. */
  beAlive: () => void = () => undefined;

  constructor(setting: {
    readonly name: string;
    readonly fs: SimulatedFileSystem;
    readonly user: User;
    readonly contents: Contents;
    readonly random: Random;
    readonly rates: DiskFaultRates;
    /** A promise that the agent broke. */
    readonly report: (what: Broken) => void;
    /** Whether the workspace has these bytes, or had them: so that they can be had again. */
    readonly isKept: (bytes: Uint8Array) => boolean;
    readonly tally: Tally;
    /** For the trace. */
    readonly note: (line: string) => void;
    /** Lets the user act in the middle of a call. */
    readonly interrupt: (near: string) => void;
  }) {
    this.#fs = setting.fs;
    this.#user = setting.user;
    this.#contents = setting.contents;
    this.#random = setting.random;
    this.#given = setting.rates;
    this.#name = setting.name;
    this.#report = setting.report;
    this.#isKept = setting.isKept;
    this.#tally = setting.tally;
    this.#interrupt = setting.interrupt;
    this.#note = setting.note;
    this.#fs.onCall = (call, path, to) => this.#onCall(call, path, to);
  }

  /** No faults until `go`. */
  pause(): void {
    this.#rates = noRates;
    this.isFull = false;
  }

  go(): void {
    this.#rates = this.#given;
  }

  reset(): void {
    this.#task = null;
  }

  /** Somebody filled the disk up, or made room again. Users have their reserve. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Every other time it is a quota that is used up: of that the disk says nothing before it refuses. */
  set isFull(isFull: boolean) {
    this.#isFull = isFull;
    this.#fs.isFull = isFull && this.#random.chance(0.5);
  }

  beginTask(name: TaskName): void {
    this.#task = name;
  }

  endTask(): void {
    this.#task = null;
  }

  passTransaction(): void {
    if (this.#random.chance(this.#rates.kills)) this.#kill('transaction');
  }

  #kill(where: string): void {
    this.#tally.fault(`kill at ${where}`);
    this.onKill();
  }

  #onCall(call: Call, path: string, to: string | undefined): void {
    if (this.#user.isActing) return;
    this.calls++;
    this.beAlive();
    if (this.#random.chance(this.#rates.kills)) this.#kill(call);
    if (this.#random.chance(this.#rates.errors)) this.#fail(call, path, errorsOf[call]);
    if (this.#isFull && needsRoom.has(call)) this.#fail(call, path, [this.#fs.isFull ? 'ENOSPC' : 'EDQUOT']);
    const mayInterrupt = interruptible.has(call) && (this.#task !== 'carryOut' || call === 'flushFolder');
    if (mayInterrupt && this.#random.chance(this.#rates.interruptions)) {
      this.#tally.fault(`user at ${call}`);
      this.#interrupt(path.slice(root.length + 1));
    }
    if (changes.has(call)) this.#watch(call, path, to);
  }

  #fail(call: Call, path: string, codes: readonly string[] | undefined): void {
    if (codes === undefined) return;
    const code = this.#random.pick(codes);
    this.#tally.fault(`disk ${code}`);
    this.#note(`${code} at ${call} ${path}`);
    throw fileError(code, call, path);
  }

  #broken(invariant: Invariant, what: string): void {
    this.#report(new Broken(invariant, `${this.#name} ${what}`));
  }

  #watch(call: Call, path: string, to: string | undefined): void {
    const own = `${root}/${controlFolder}`;
    this.#tally.check('I16');
    for (const at of to === undefined ? [path] : [path, to]) {
      if (!at.startsWith(`${root}/`)) this.#broken('I16', `called ${call} on ${at}`);
    }
    if (call === 'openNew' || call === 'write') {
      this.#tally.check('I17');
      if (!path.startsWith(`${own}/`)) this.#broken('I17', `wrote in place at ${path}`);
    }
    this.#user.quietly(() => {
      if (call === 'removeFile') this.#watchLeaving(path);
      if (call !== 'rename' || to === undefined || to.startsWith(`${own}/marker`)) return;
      if (to !== path) this.#watchLeaving(to, path);
      if (path.startsWith(`${root}/${tempFolder}/`)) this.#watchArrival(path);
    });
  }

  /** What an agent takes out of view can be had from the workspace, or a user took it away before. */
  #watchLeaving(path: string, from?: string): void {
    const stat = this.#fs.lstat(path);
    if (stat?.kind !== 'file' || isTemp(path)) return;
    // On a disk that folds names a file can be renamed to its own name in other letters.
    if (from !== undefined && this.#fs.lstat(from)?.ino === stat.ino) return;
    this.#tally.check('I2');
    const bytes = this.#fs.bytesOf(path);
    if (this.#contents.mayLeave(bytes) || this.#isKept(bytes)) return;
    this.#broken('I2', `takes ${this.#contents.labelOf(bytes)} away at ${path}, which nobody has but this device`);
  }

  /** What comes into view is something that a user wrote, whole. */
  #watchArrival(path: string): void {
    if (this.#fs.lstat(path)?.kind !== 'file') return;
    this.#tally.check('I3');
    if (!this.#contents.isKnown(this.#fs.bytesOf(path)))
      this.#broken('I3', `put bytes in view that nobody wrote, from ${path}`);
  }
}

/** A file that the agent is writing, or did not finish: nobody saw it. */
function isTemp(path: string): boolean {
  return path.startsWith(`${root}/${tempFolder}/w-`) || path.startsWith(`${root}/${tempFolder}/p-`);
}
