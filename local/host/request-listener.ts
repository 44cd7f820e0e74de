/** The host's request listener: offers each request to the trigger listeners and writes its one log line. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorToLogText, type HostLogger } from './host-logger.ts';
import { answerEmpty } from './http-server.ts';
import { statusOf } from './http-trigger.ts';
import type { InFlight } from './in-flight.ts';
import type { ExchangeRecord, HttpExchange, TriggerListener } from './trigger.ts';

/** A path that no route matched is logged up to here. */
const loggedPathCharsMax = 200;

interface ListenerDeps {
  readonly logger: HostLogger;
  readonly inFlight: InFlight;
  readonly isClosing: () => boolean;
}

/** @param listeners asked for on every request, so that the server can exist before the app is loaded. */
export function createRequestListener(
  listeners: () => readonly TriggerListener[],
  deps: ListenerDeps,
): RequestListener {
  return (request, response) => {
    const startedAt = performance.now();
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    const record = deps.isClosing()
      ? refuseClosing(request, response)
      : answerSafely(listeners(), request, response, deps.logger);
    void deps.inFlight.track(
      Promise.all([record, closed]).then(([{ route, invocationId }]) => {
        const ms = Math.round((performance.now() - startedAt) * 10) / 10;
        const cut = response.writableFinished ? {} : { cut: true };
        deps.logger.info(
          { method: request.method, route, status: response.statusCode, ms, invocationId, ...cut },
          'request',
        );
      }),
    );
  };
}

async function refuseClosing(request: IncomingMessage, response: ServerResponse): Promise<ExchangeRecord> {
  answerEmpty(response, 503, { connection: 'close', 'retry-after': '1' });
  return { route: pathOf(request) };
}

async function answerSafely(
  listeners: readonly TriggerListener[],
  request: IncomingMessage,
  response: ServerResponse,
  logger: HostLogger,
): Promise<ExchangeRecord> {
  try {
    const exchange = toExchange(request, response);
    for (const listener of exchange === undefined ? [] : listeners) {
      const answered = exchange === undefined ? undefined : listener.handle?.(exchange);
      if (answered !== undefined) return await answered;
    }
    answerEmpty(response, exchange === undefined ? 400 : 404);
  } catch (error) {
    const status = statusOf(error);
    if (status === 500) logger.error({ error: errorToLogText(error) }, 'the host failed to answer');
    if (response.headersSent) response.destroy();
    else answerEmpty(response, status, { connection: 'close' });
  }
  return { route: pathOf(request) };
}

/** @returns undefined for a request whose target and Host header do not make a URL. */
function toExchange(request: IncomingMessage, response: ServerResponse): HttpExchange | undefined {
  const target = request.url ?? '';
  const text = `http://${request.headers.host ?? 'localhost'}${target}`;
  return target.startsWith('/') && URL.canParse(text) ? { request, response, url: new URL(text) } : undefined;
}

/** The path alone: a query may hold a signature or a key. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]?.slice(0, loggedPathCharsMax) ?? '';
}
