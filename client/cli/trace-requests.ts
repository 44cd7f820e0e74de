/** What crosses the wire, for `--verbose`: a line a request, retries included, with the id that the server's log has it under. */
import type { Transport } from '../sdk/transport.ts';

/** Without its query: that of a signed URL is the secret, and that of any other may tell a path. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function idOf(response: Response): string {
  const id = response.headers.get('x-correlation-id') ?? response.headers.get('x-ms-request-id');
  return id === null ? '' : `, request ${id}`;
}

/** `now` in milliseconds. */
export function withTrace(transport: Transport, trace: (text: string) => void, now: () => number): Transport {
  return async (request) => {
    const began = now();
    const what = `${request.method} ${placeOf(request.url)}`;
    const since = (): string => `${(now() - began).toFixed(0)} ms`;
    try {
      const response = await transport(request);
      trace(`${what}: ${response.status} after ${since()}${idOf(response)}`);
      return response;
    } catch (error) {
      trace(`${what}: no answer after ${since()} (${error instanceof Error ? error.name : 'unknown'})`);
      throw error;
    }
  };
}
