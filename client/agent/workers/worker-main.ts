/** The entry of a worker thread: does tasks as they come, one at a time. */
import { parentPort } from 'node:worker_threads';
import { installNativeBlake3 } from '../../../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { createNodeFileSystem } from '../folder/node-file-system.ts';
import { toolsFor } from './mapped-executor.ts';
import { type TaskReply, type TaskRequest, errorToPlain, transferable } from './messages.ts';
import { type Tools, createTools, tasks } from './tasks.ts';

await installNativeBlake3();
const tools = createTools(createNodeFileSystem(), nodeCodecs);
const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

const byName = new Map<string, unknown>(Object.entries(tasks));

function perform({ id, name, input }: TaskRequest): TaskReply {
  try {
    const task = byName.get(name) as ((tools: Tools, input: unknown) => unknown) | undefined;
    if (task === undefined) throw new Error(`no such task: ${name}`);
    return { id, output: task(toolsFor(tools, input), input) };
  } catch (error) {
    return { id, error: errorToPlain(error) };
  }
}

port.on('message', (request: TaskRequest) => {
  const reply = perform(request);
  port.postMessage(reply, 'output' in reply ? transferable(reply.output) : []);
});
