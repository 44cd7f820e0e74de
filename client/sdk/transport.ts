/**
 * HTTP as the SDK sees it: one function. `fetch` in the field; in the simulation a function that calls the server's
 * handler directly and loses, delays and repeats requests. Everything else is a decorator of this type.
 */
export type Transport = (request: Request) => Promise<Response>;

/**
 * The host's fetch. Redirects are refused: a request carries a bearer token or a signed URL, and neither may follow a
 * server to somewhere else.
 */
export const fetchTransport: Transport = (request) => fetch(request, { redirect: 'error' });

/** Gives up on a request that has not been answered in full after `ms` milliseconds. */
export function withTimeout(transport: Transport, ms: number): Transport {
  return (request) =>
    transport(new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(ms)]) }));
}

/** Calls `count` for each request that goes out, retries included. */
export function withCount(transport: Transport, count: () => void): Transport {
  return (request) => {
    count();
    return transport(request);
  };
}

/**
 * Lets a request that was sent be answered, though its caller is told to stop meanwhile: what is in flight ends, nothing new begins.
 * @param patience called when the caller stops; what it gives is aborted when waiting has to end, with or without an answer
 */
export function untilAnswered(transport: Transport, patience: () => AbortSignal): Transport {
  return async (request) => {
    const caller = request.signal;
    caller.throwIfAborted();
    const over = new AbortController();
    const giveUp = (): void => over.abort(caller.reason);
    const stop = (): void => patience().addEventListener('abort', giveUp, { once: true });
    caller.addEventListener('abort', stop, { once: true });
    try {
      return await transport(new Request(request, { signal: over.signal }));
    } finally {
      caller.removeEventListener('abort', stop);
    }
  };
}
