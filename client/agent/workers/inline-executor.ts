/** Tasks in the caller's own thread, one after another in the order of the calls: for the simulation, and for tests. */
import type { Executor } from './executor.ts';
import { toolsFor } from './mapped-executor.ts';
import { type Tools, tasks } from './tasks.ts';

/** `width` is what callers see, so that their concurrency is exercised even here. Needs no clock and no thread. */
export function createInlineExecutor(tools: Tools, width = 2): Executor {
  return {
    width,
    run: async (name, input) => {
      // The name picks the function that takes this very input; the compiler cannot follow a union of functions.
      const task = tasks[name] as (tools: Tools, input: unknown) => ReturnType<(typeof tasks)[typeof name]>;
      return task(toolsFor(tools, input), input);
    },
    breathe: async () => undefined,
    close: async () => undefined,
  };
}
