/** Sockets that listen to a workspace, in a process of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WorkspaceId } from '../shared/core/ids.ts';
import { groupOfWorkspace } from '../shared/ports/notifier.ts';
import type { StackClient } from '../tests/local/stack-client.ts';
import type { FromListeners, ToListeners } from './listener-process.ts';

const script = fileURLToPath(new URL('./listener-process.ts', import.meta.url));

type HeardByAll = Extract<FromListeners, { readonly kind: 'heard' }>;

export class Listeners {
  readonly #child: ChildProcess;
  readonly #ended: Promise<undefined>;
  #answer: (message: FromListeners) => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => undefined);
    child.on('message', (message: FromListeners) => this.#answer(message));
  }

  /** `count` sockets of the client's user that have joined the workspace's group. */
  static async open(client: StackClient, workspaceId: WorkspaceId, count: number): Promise<Listeners> {
    const { url } = await client.api.negotiate({ seats: [{ workspaceId, deviceId: client.deviceId }] });
    if (url === null) throw new Error('the stack has no realtime service');
    const listeners = new Listeners(fork(script));
    await listeners.#ask({ kind: 'open', url, group: groupOfWorkspace(workspaceId), count });
    return listeners;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when all have heard of a commit from `seq` on. One call at a time. */
  async heardByAll(seq: number): Promise<HeardByAll> {
    const answer = await this.#ask({ kind: 'wait', seq });
    if (answer.kind !== 'heard') throw new Error('the listeners answered something else');
    return answer;
  }

  async close(): Promise<void> {
    this.#child.disconnect();
    await this.#ended;
  }

  async #ask(message: ToListeners): Promise<FromListeners> {
    const answered = new Promise<FromListeners>((resolve) => (this.#answer = resolve));
    this.#child.send(message);
    const answer = await Promise.race([answered, this.#ended]);
    if (answer === undefined) throw new Error('the listeners have ended');
    if (answer.kind === 'failed') throw new Error(`a listener could not be opened: ${answer.message}`);
    return answer;
  }
}
