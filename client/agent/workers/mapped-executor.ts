/**
 * Tasks of a folder whose names are mapped (folder/mapped-file-system.ts). One pool of workers may serve folders of both kinds, so
 * each task carries it along.
 */
import type { Link } from '../folder/control-folder.ts';
import { withMappedNames } from '../folder/mapped-file-system.ts';
import type { Executor } from './executor.ts';
import type { Tools } from './tasks.ts';

/** `executor`, for the tasks of the folder `mappedRoot`. Closing it closes `executor`. */
function withMappedTasks(executor: Executor, mappedRoot: string): Executor {
  return {
    get width() {
      return executor.width;
    },
    run: (name, input, transfer) => executor.run(name, Object.assign({}, input, { mappedRoot }), transfer),
    breathe: () => executor.breathe(),
    close: () => executor.close(),
  };
}

/** `executor` as the folder of this link needs it. */
export function executorOfLink(executor: Executor, root: string, { names }: Pick<Link, 'names'>): Executor {
  return names === 'mapped' ? withMappedTasks(executor, root) : executor;
}

/** The tools for a task with this input: with mapped names, where it asks for them. */
export function toolsFor(tools: Tools, input: unknown): Tools {
  const mappedRoot: unknown = input instanceof Object && 'mappedRoot' in input ? input.mappedRoot : undefined;
  return typeof mappedRoot === 'string' ? { ...tools, fs: withMappedNames(tools.fs, mappedRoot) } : tools;
}
