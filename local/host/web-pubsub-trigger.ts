/**
 * Web PubSub triggers: the webhook `/runtime/webhooks/webpubsub` that the real extension opens, with its handshake. A function is found by hub,
 * type and name of the event; no case matters. Two functions for one event are refused at the start.
 *
 * Not guaranteed: the clients' protocol MQTT, and the trigger's metadata, which repeat the input.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import { isWebhookAllowed } from './access-keys.ts';
import { answerEmpty, answerText } from './http-server.ts';
import {
  type ExchangeRecord,
  type HostContext,
  type HttpExchange,
  type TriggerKind,
  type TriggeredFunction,
  expandSettings,
} from './trigger.ts';
import {
  type WebPubSubAccess,
  defaultConnectionSetting,
  isKnownOrigin,
  isSigned,
  parseWebPubSubAccess,
} from './web-pubsub-access.ts';
import { toWebhookAnswer } from './web-pubsub-answer.ts';
import { dataTypeOf, kindOf, readConnectionContext, readInput } from './web-pubsub-event.ts';

const webhookPath = '/runtime/webhooks/webpubsub';

interface BoundFunction {
  readonly fn: TriggeredFunction;
  /** The services whose events it takes. */
  readonly accesses: readonly WebPubSubAccess[];
}

type FunctionTable = ReadonlyMap<string, BoundFunction>;

export const webPubSubTrigger: TriggerKind = (functions, host) => {
  const table = bindFunctions(functions, host);
  return {
    handle(exchange) {
      if (exchange.url.pathname.toLowerCase() !== webhookPath) return undefined;
      return answerWebhook(host, table, exchange);
    },
  };
};

function keyOf(hub: string, eventType: string, eventName: string): string {
  return JSON.stringify([hub, eventType, eventName].map((each) => each.toLowerCase()));
}

function bindFunctions(functions: readonly TriggeredFunction[], host: HostContext): FunctionTable {
  const table = new Map<string, BoundFunction>();
  for (const fn of functions) {
    const { hub, eventType, eventName } = fn.binding;
    const text = (value: unknown): string => expandSettings(String(value), host.settings);
    const key = keyOf(text(hub), text(eventType), text(eventName));
    const other = table.get(key);
    if (other !== undefined) {
      const names = `"${other.fn.name}" and "${fn.name}"`;
      throw new TidemarkError('conflict', `The functions ${names} are for the same Web PubSub event.`);
    }
    table.set(key, { fn, accesses: accessesOf(fn, host) });
  }
  return table;
}

/** Of the settings that the binding names. One that is not set lets nobody in. */
function accessesOf({ binding }: TriggeredFunction, { settings }: HostContext): readonly WebPubSubAccess[] {
  const { connections } = binding;
  const names: readonly unknown[] = Array.isArray(connections) ? connections : [defaultConnectionSetting];
  const values = names.map((name) => settings[String(name)] ?? '');
  return values.filter((value) => value !== '').map(parseWebPubSubAccess);
}

async function answerWebhook(host: HostContext, table: FunctionTable, exchange: HttpExchange): Promise<ExchangeRecord> {
  const { request, response, url } = exchange;
  const record = (name: string): ExchangeRecord => ({ route: `${webhookPath}/${name}` });
  if (!isWebhookAllowed(request, url, host.keys)) {
    answerEmpty(response, 401);
    return record('(refused)');
  }
  if (request.method === 'OPTIONS') {
    answerHandshake(table, exchange);
    return record('(handshake)');
  }
  const context = readConnectionContext(request);
  if (context === undefined) {
    answerEmpty(response, 400);
    return record('(malformed)');
  }
  const bound = table.get(keyOf(context.hub, context.eventType, context.eventName));
  if (bound === undefined) answerEmpty(response, 404);
  else if (!isSigned(bound.accesses, { ...context, signature: context.signature ?? '' })) answerEmpty(response, 401);
  else if (request.method !== 'POST') answerEmpty(response, 400);
  else if (kindOf(context) === 'user' && dataTypeOf(request) === undefined) {
    answerText(response, 400, 'text/plain', 'Messages are text, JSON or binary.');
  } else {
    const input = await readInput(request, context);
    const outcome = await host.invoke(bound.fn, { data: { json: JSON.stringify(partFor(bound.fn, input)) } });
    const { status, headers, body } = toWebhookAnswer(context, outcome);
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  }
  return record(bound?.fn.name ?? '(unknown)');
}

/** CloudEvents' protection against abuse: whoever would post here asks first, and only a service of some function may. */
function answerHandshake(table: FunctionTable, { request, response }: HttpExchange): void {
  const origins = request.headers['webhook-request-origin'];
  const isKnown =
    typeof origins === 'string' && [...table.values()].some(({ accesses }) => isKnownOrigin(accesses, origins));
  if (isKnown) answerEmpty(response, 200, { 'WebHook-Allowed-Origin': '*' });
  else answerEmpty(response, 400);
}

/** The extension reads a binding's name as what of the event is asked for: all of it as `request`, or one of its parts. */
function partFor({ bindingName }: TriggeredFunction, input: Readonly<Record<string, unknown>>): unknown {
  const asked = bindingName.toLowerCase();
  if (asked === 'request') return input;
  const [, part = null] = Object.entries(input).find(([name]) => name.toLowerCase() === asked) ?? [];
  return part;
}
