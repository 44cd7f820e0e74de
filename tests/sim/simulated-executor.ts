/** Tasks in this thread, each after a wait in which others go on. A task during which the process is killed never ends. */
import type { FileSystem } from '../../client/agent/file-system.ts';
import type { Executor } from '../../client/agent/workers/executor.ts';
import { createInlineExecutor } from '../../client/agent/workers/inline-executor.ts';
import { type Tools, createTools } from '../../client/agent/workers/tasks.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import { SimulatedFileSystem } from './simulated-file-system.ts';
import { linesOfTask } from './trace-lines.ts';

const sharedTools = createTools(new SimulatedFileSystem(), nodeCodecs);

export function createSimulatedExecutor(setting: {
  readonly process: Owner;
  readonly scheduler: Scheduler;
  readonly faults: DiskFaults;
  readonly fs: FileSystem;
}): Executor {
  const { process, scheduler, faults, fs } = setting;
  const tools: Tools = { ...sharedTools, fs };
  const inline = createInlineExecutor(tools);
  return {
    width: inline.width,
    run: async (name, input) => {
      await scheduler.park(process, name);
      faults.beginTask(name);
      try {
        const output = await inline.run(name, input);
        for (const line of linesOfTask(name, input, output)) scheduler.note(`${process.name}   ${line}`);
        return output;
      } catch (error) {
        if (process.isDead) return await new Promise<never>(() => undefined);
        throw error;
      } finally {
        faults.endTask();
      }
    },
    breathe: () => inline.breathe(),
    close: () => inline.close(),
  };
}
