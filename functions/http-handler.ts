import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { GetService } from './service.ts';

/** Bodies stay streams both ways, so that the API bounds them while it reads. */
function toRequest(request: HttpRequest): Request {
  const { method, url, headers, body } = request;
  const withBody = body !== null && method !== 'GET' && method !== 'HEAD';
  return new Request(url, { method, headers, ...(withBody ? { body, duplex: 'half' } : {}) });
}

function toResponseInit(response: Response): HttpResponseInit {
  return { status: response.status, headers: response.headers, body: response.body };
}

/** The trigger around the API: decode, call, encode. */
export function toHttpHandler(getService: GetService): HttpHandler {
  return async (request, context) => {
    const { api } = await getService();
    return toResponseInit(await api.handle(toRequest(request), { invocationId: context.invocationId }));
  };
}
