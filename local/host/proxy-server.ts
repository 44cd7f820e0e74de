/**
 * What `@azure/functions` sees as `node:http` (see module-hooks.ts): a server without a socket. The library listens for
 * `request` events on it; `deliverToLibrary` emits one. Only what the library's httpProxy.ts touches is here.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** The header by which the library finds the invocation that a request belongs to. */
export const invocationIdHeader = 'x-ms-invocation-id';

/** What the library reads of a proxied request: these fields, and the body by iteration. */
export interface LibraryRequest extends AsyncIterable<Uint8Array> {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** With `x-ms-invocation-id`, `x-forwarded-host` and `x-forwarded-proto`. */
  readonly headers: IncomingHttpHeaders;
}

type RequestListener = (request: LibraryRequest, response: ServerResponse) => void;

let listener: RequestListener | undefined;

interface ProxyServer {
  on(event: string, callback: RequestListener): void;
  listen(callback: () => void): void;
  address(): { readonly port: number };
  close(): void;
}

/** Called by the library when the app has enabled HTTP streams. Port 1 stands for «no port»: nothing connects to it. */
export function createServer(): ProxyServer {
  return {
    on(event, callback) {
      if (event === 'request') listener = callback;
    },
    listen: (callback) => queueMicrotask(callback),
    address: () => ({ port: 1 }),
    close: () => undefined,
  };
}

/** Whether the library has opened its proxy here. */
export function isProxyOpen(): boolean {
  return listener !== undefined;
}

/** Hands a request and its response to the library, which keeps them until the invocation of that id asks for them. */
export function deliverToLibrary(request: LibraryRequest, response: ServerResponse): void {
  listener?.(request, response);
}
