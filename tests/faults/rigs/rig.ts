/** A rig: a fault made for real, again and again, and what came of it. */
export interface RigResult {
  /** Times that the fault was made. */
  readonly runs: number;
  /** Of those, how often it struck: a process was killed, a call failed, a disk was cut. */
  readonly struck: number;
  /** Promises that were broken, each told so that a person can look for it. Empty is what must be. */
  readonly broken: readonly string[];
}

export interface RigOptions {
  /** Less of it, for a first look. */
  readonly quick: boolean;
  readonly progress: (line: string) => void;
}

export interface Rig {
  readonly name: string;
  readonly about: string;
  /** Why it cannot be run on this machine; undefined when it can. */
  readonly missing: () => string | undefined;
  readonly run: (options: RigOptions) => Promise<RigResult>;
}
