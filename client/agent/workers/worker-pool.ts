/**
 * Tasks in worker threads, one for each core up to four. A worker gets its next task while it does one, so that it never waits for
 * this thread; a worker that dies (out of memory, a bug in native code) fails its tasks and is replaced.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Executor } from './executor.ts';
import { type TaskReply, type TaskRequest, plainToError } from './messages.ts';

interface Waiting {
  readonly request: TaskRequest;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Member {
  readonly worker: Worker;
  readonly running: Map<number, Waiting>;
}

/** Tasks that a worker holds at once: the one it does and the next. */
const heldMax = 2;
/** More threads would hash faster than disks read and lines send, and each takes some 30 MB. */
const widthMax = 4;
/**
 * What a worker makes is large buffers, outside of its heap, and little else. A young generation that may grow to what V8 gives it by
 * default (64 MiB and more for each thread) is memory that nobody needs; a flag of the process (bin/tide.js) goes before this. The old
 * one is a bound for faults only.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 256 };

class WorkerPool implements Executor {
  readonly width: number;
  readonly #members: Member[] = [];
  #waiting: Waiting[] = [];
  #nextId = 1;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(width: number) {
    this.width = width;
  }

  run: Executor['run'] = (name, input, transfer = []) =>
    new Promise((resolve, reject) => {
      if (this.#closed) throw new TidemarkError('unavailable', 'the workers were stopped');
      // A reply carries the output of the task that was named: see worker-main.ts.
      const take = resolve as (output: unknown) => void;
      this.#waiting.push({ request: { id: this.#nextId++, name, input }, transfer, resolve: take, reject });
      this.#dispatch();
    });

  breathe(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const stopped = new TidemarkError('unavailable', 'the workers were stopped');
    for (const task of this.#waiting) task.reject(stopped);
    this.#waiting = [];
    if (this.#members.some((member) => member.running.size > 0)) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
    await Promise.all(this.#members.map((member) => member.worker.terminate()));
    this.#members.length = 0;
  }

  /** The least busy member with room; a new one rather than a second task for a busy one. */
  #pick(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members) if (member.running.size < (best?.running.size ?? heldMax)) best = member;
    if ((best === undefined || best.running.size > 0) && this.#members.length < this.width) return this.#start();
    return best;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const member = this.#pick();
      if (member === undefined) return;
      const task = this.#waiting.shift()!;
      member.running.set(task.request.id, task);
      member.worker.ref();
      try {
        member.worker.postMessage(task.request, task.transfer);
      } catch (error) {
        member.running.delete(task.request.id);
        task.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  #start(): Member {
    // Handles are passed between workers (a large file is written by several tasks): Node must not close or track them.
    const worker = new Worker(new URL('./worker-main.ts', import.meta.url), {
      trackUnmanagedFds: false,
      resourceLimits,
    });
    const member: Member = { worker, running: new Map() };
    worker.on('message', (reply: TaskReply) => this.#settle(member, reply));
    worker.on('error', (error) => this.#lose(member, error));
    worker.on('exit', () => this.#lose(member, new Error('a worker ended')));
    worker.unref();
    this.#members.push(member);
    return member;
  }

  #settle(member: Member, reply: TaskReply): void {
    const task = member.running.get(reply.id);
    member.running.delete(reply.id);
    if (member.running.size === 0) member.worker.unref();
    if ('error' in reply) task?.reject(plainToError(reply.error));
    else task?.resolve(reply.output);
    this.#dispatch();
    this.#noteIdle();
  }

  #lose(member: Member, cause: unknown): void {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    const error = new TidemarkError('internal', 'a worker thread failed', { cause, retryable: true });
    for (const task of member.running.values()) task.reject(error);
    member.running.clear();
    if (!this.#closed) this.#dispatch();
    this.#noteIdle();
  }

  #noteIdle(): void {
    if (this.#members.every((member) => member.running.size === 0)) this.#idle?.();
  }
}

/** A pool of `width` threads (one for each core, four at most, unless said), started when first needed. Does not keep the process alive. */
export function createWorkerPool(width: number = Math.min(widthMax, availableParallelism())): Executor {
  return new WorkerPool(width);
}
