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
