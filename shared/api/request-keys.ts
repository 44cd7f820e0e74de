/**
 * Idempotency keys of requests. The stored answer of a request makes a repeat harmless (services/stored-answer.ts); this spares
 * the work of running the same request twice at once, which impatient clients cause. It looks at this process alone:
 * across processes both run, and both get the answer that was stored first.
 */
import { TidemarkError } from '../core/errors.ts';
import { type RequestId, parseRequestId } from '../core/ids.ts';

/** The request id in the header Idempotency-Key. Throws `idempotency-key-missing`, or `malformed` on another form. */
export function idempotencyKey(headers: Headers): RequestId {
  const key = headers.get('idempotency-key');
  if (key === null) {
    throw new TidemarkError(
      'idempotency-key-missing',
      'send an Idempotency-Key: 32 hex characters, new for each request',
    );
  }
  return parseRequestId(key);
}

export interface RequestKeys {
  /** Runs the work unless work with this key runs already: then throws `in-progress`, whatever came with the key. */
  once<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createRequestKeys(): RequestKeys {
  const running = new Set<string>();
  return {
    async once(key, work) {
      if (running.has(key)) {
        throw new TidemarkError('in-progress', 'this very request is being worked on: ask again for its answer');
      }
      running.add(key);
      try {
        return await work();
      } finally {
        running.delete(key);
      }
    },
  };
}
