/**
 * Where the heavy work runs: hashing, packing, decoding, and every file call of an application. A task is a synchronous
 * function of its tools and its input, so that worker threads and the deterministic simulation run the very same code.
 */
import type { Tasks } from './tasks.ts';

export type TaskName = keyof Tasks;
export type TaskInput<Name extends TaskName> = Parameters<Tasks[Name]>[1];
export type TaskOutput<Name extends TaskName> = ReturnType<Tasks[Name]>;

export interface Executor {
  /** Tasks that really run at once. Callers keep about twice as many under way, no more: inputs and outputs are held in memory. */
  readonly width: number;
  /**
   * Runs one task. Any number may be asked for; they start in order. `transfer` lists buffers of the input that the caller gives away.
   * An error of the task rejects with its code (TidemarkError or file error) kept.
   */
  run<Name extends TaskName>(
    name: Name,
    input: TaskInput<Name>,
    transfer?: readonly ArrayBuffer[],
  ): Promise<TaskOutput<Name>>;
  /** Lets other work of this thread proceed. */
  breathe(): Promise<void>;
  /** Ends after the running tasks; those that wait are rejected with `unavailable`. */
  close(): Promise<void>;
}
