/** A process that dies at a chosen call of its stores: before the call has done anything, or after it did all but answered. */
import type { ServiceDependencies } from '../../../shared/services/dependencies.ts';

export class Crash extends Error {}

export interface CrashPoint {
  /** Calls of stores that still go through. */
  readonly after: number;
  /** Whether the call that dies has its effect. */
  readonly effect: boolean;
}

type Stores = Pick<ServiceDependencies, 'blobs' | 'metadata' | 'queue' | 'changeFeed' | 'signer'>;

export interface CrashingRun<Deps> {
  readonly deps: Deps;
  calls: number;
  /** What was called, in order: `chunks.record`, `blobs.put`, `signer.sign`. */
  readonly called: readonly string[];
}

/**
 * The same stores under a process that dies at that point: from then on every call fails. `calls` counts them, so that a run
 * which never dies tells how many points there are.
 */
export function crashing<Deps extends Stores>(deps: Deps, point: CrashPoint): CrashingRun<Deps> {
  const called: string[] = [];
  const run = { deps, calls: 0, called };
  run.deps = guarding(deps, async (name, call) => {
    called.push(name);
    const number = run.calls++;
    if (number > point.after || (number === point.after && !point.effect)) throw new Crash();
    const result = await call();
    if (number === point.after) throw new Crash();
    return result;
  });
  return run;
}

/** Decides what becomes of a call of a store, `chunks.record`, `blobs.put`: `call` makes it. */
export type CallGuard = (name: string, call: () => unknown) => Promise<unknown>;

/** The same stores, each call of which goes through a guard. */
export function guarding<Deps extends Stores>(deps: Deps, guard: CallGuard): Deps {
  const wrap = <Store extends object>(store: Store, of: string): Store =>
    new Proxy(store, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        const name = String(property);
        if (typeof value === 'object' && value !== null) return wrap(value, name);
        if (typeof value !== 'function') return value;
        // Lists answer with iterables, which only read: they go through.
        if (property === 'list' || property === 'listBlobs') {
          return (...args: unknown[]): unknown => {
            const listed: unknown = Reflect.apply(value, target, args);
            return listed instanceof Promise ? guard(`${of}.${name}`, () => listed) : listed;
          };
        }
        return (...args: unknown[]): Promise<unknown> =>
          guard(`${of}.${name}`, () => Reflect.apply(value, target, args));
      },
    });
  const { blobs, metadata, queue, changeFeed, signer } = deps;
  return {
    ...deps,
    blobs: wrap(blobs, 'blobs'),
    metadata: wrap(metadata, 'metadata'),
    queue: wrap(queue, 'queue'),
    changeFeed: wrap(changeFeed, 'changeFeed'),
    signer: wrap(signer, 'signer'),
  };
}
