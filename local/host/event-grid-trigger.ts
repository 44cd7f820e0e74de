/**
 * Event Grid triggers: the webhook `POST /runtime/webhooks/EventGrid?functionName=X` that the real extension opens, with
 * its two handshakes. A batch is one invocation per event, all at once; if any fails the answer is 500 and the sender
 * sends the whole batch again, so handlers must be idempotent.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import { isWebhookAllowed } from './access-keys.ts';
import { readWhole } from './http-body.ts';
import { answerEmpty, answerText } from './http-server.ts';
import type {
  ExchangeRecord,
  HostContext,
  HttpExchange,
  TriggeredFunction,
  TriggerInput,
  TriggerKind,
} from './trigger.ts';

const webhookPath = '/runtime/webhooks/eventgrid';

/** Event Grid sends at most 1 MiB; the rest is room for escapes. */
const batchBytesMax = 2 * 1024 * 1024;

type GridEvent = Readonly<Record<string, unknown>>;

export const eventGridTrigger: TriggerKind = (functions, host) => {
  const byName = new Map(functions.map((fn) => [fn.name.toLowerCase(), fn]));
  return {
    handle({ request, response, url }) {
      if (url.pathname.toLowerCase() !== webhookPath) return undefined;
      const fn = byName.get(url.searchParams.get('functionName')?.toLowerCase() ?? '');
      return answerWebhook(host, { request, response, url }, fn);
    },
  };
};

async function answerWebhook(
  host: HostContext,
  exchange: HttpExchange,
  fn: TriggeredFunction | undefined,
): Promise<ExchangeRecord> {
  const { request, response, url } = exchange;
  const record = { route: `${webhookPath}/${fn?.name ?? '(unknown)'}` };
  if (!isWebhookAllowed(request, url, host.keys)) answerEmpty(response, 401);
  else if (fn === undefined) answerText(response, 404, 'text/plain', 'cannot find the function');
  else if (request.method === 'OPTIONS') answerCloudEventsHandshake(exchange);
  else if (request.method === 'POST') await answerPost(host, exchange, fn);
  else answerEmpty(response, 404);
  return record;
}

async function answerPost(
  host: HostContext,
  { request, response }: HttpExchange,
  fn: TriggeredFunction,
): Promise<void> {
  switch (String(request.headers['aeg-event-type'] ?? '').toLowerCase()) {
    case 'subscriptionvalidation':
      answerValidation({ response }, parseEvents(await readWhole(request, batchBytesMax)));
      return;
    case 'notification':
      answerEmpty(response, await deliver(host, fn, parseEvents(await readWhole(request, batchBytesMax))));
      return;
    case 'unsubscribe':
      answerEmpty(response, 202);
      return;
    default:
      answerEmpty(response, 400);
  }
}

/** Event Grid schema: the code that came in the validation event goes back. */
function answerValidation({ response }: Pick<HttpExchange, 'response'>, [event]: readonly GridEvent[]): void {
  const data = event?.['data'];
  const code: unknown =
    typeof data === 'object' && data !== null && 'validationCode' in data ? data.validationCode : undefined;
  if (typeof code !== 'string') answerEmpty(response, 400);
  else answerText(response, 200, 'application/json', JSON.stringify({ validationResponse: code }));
}

/** CloudEvents schema (HTTP 1.1 Web Hooks for Event Delivery, section 4): the origin that asked is allowed. */
function answerCloudEventsHandshake({ request, response }: HttpExchange): void {
  const origin = request.headers['webhook-request-origin'];
  if (typeof origin !== 'string' || origin === '') answerEmpty(response, 400);
  else answerEmpty(response, 200, { 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': '*' });
}

async function deliver(host: HostContext, fn: TriggeredFunction, events: readonly GridEvent[]): Promise<number> {
  const outcomes = await Promise.all(events.map((event) => host.invoke(fn, toEventInput(event))));
  return outcomes.every((outcome) => outcome.ok) ? 202 : 500;
}

/** One event as a trigger's input. */
export function toEventInput(event: unknown): TriggerInput {
  return { data: { json: JSON.stringify(event) } };
}

/** An array in Event Grid's schema and in batches of CloudEvents, an object for one CloudEvent. */
function parseEvents(body: Buffer): readonly GridEvent[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new TidemarkError('malformed', 'The events are not JSON.', { cause });
  }
  const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (!events.every(isEvent)) throw new TidemarkError('malformed', 'An event is not a JSON object.');
  return events;
}

function isEvent(value: unknown): value is GridEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
