/** Stores that note every call that could change them, for tests that nothing was changed. */
import type { ServiceDependencies } from '../../../shared/services/dependencies.ts';

/** Calls that only read. Every other one counts as a change, so that a new call of a port is noted until somebody lists it here. */
const reading: ReadonlySet<string> = new Set([
  'get',
  'listOfMember',
  'listAll',
  'listOfUser',
  'lookUp',
  'hasPacks',
  'listPacks',
  'usage',
  'getObjects',
  'getHead',
  'getRequest',
  'list',
  'foundMs',
  'projectedSeq',
  'head',
  'open',
  'listBlobs',
  'staged',
  'createUrl',
  'readUrl',
  'stageUrl',
  'fetch',
  'peek',
  'read',
  'publicKeys',
]);

/** Whether a call of a store can change what is stored, by the name of its method. */
export function isWriting(method: string): boolean {
  return !reading.has(method);
}

function noting<Store extends object>(store: Store, name: string, writes: string[]): Store {
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      const called = `${name}.${String(property)}`;
      if (typeof value === 'object' && value !== null) return noting(value, called, writes);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (isWriting(String(property))) writes.push(called.replace('metadata.', ''));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

type Stores = Pick<ServiceDependencies, 'metadata' | 'blobs'> & Partial<Pick<ServiceDependencies, 'queue'>>;

/** The same stores; each call that writes is appended to `writes`. */
export function notingWrites<Deps extends Stores>(deps: Deps, writes: string[]): Deps {
  return {
    ...deps,
    blobs: noting(deps.blobs, 'blobs', writes),
    metadata: noting(deps.metadata, 'metadata', writes),
    ...(deps.queue === undefined ? {} : { queue: noting(deps.queue, 'queue', writes) }),
  };
}
