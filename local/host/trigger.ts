/**
 * What a kind of trigger is to the host. A new kind (queue, Web PubSub, Durable) is one file that exports a TriggerKind,
 * and an entry in the map given to the host under the binding's type, for instance `queueTrigger`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessKeys } from './access-keys.ts';
import type { BindingInfo, RpcTypedData } from './core-types.ts';
import type { HostClock } from './host-clock.ts';
import type { QueueSettings } from './host-json.ts';
import type { HostLogger } from './host-logger.ts';
import type { AdaptResult, InvocationOutcome } from './invocation.ts';
import type { RegisteredFunction } from './worker.ts';

/** A registered function with its trigger binding found. */
export interface TriggeredFunction {
  readonly name: string;
  readonly bindingName: string;
  readonly binding: BindingInfo;
  readonly registered: RegisteredFunction;
}

export interface TriggerInput {
  readonly data: RpcTypedData;
  readonly metadata?: Readonly<Record<string, RpcTypedData>>;
  readonly invocationId?: string;
  readonly traceParent?: string | undefined;
  readonly traceState?: string | undefined;
  readonly adaptResult?: AdaptResult;
  readonly errorResult?: () => unknown;
  /** Whether the caller is gone: a failure is then the caller's, not the function's. */
  readonly isAbandoned?: () => boolean;
}

export interface HostContext {
  readonly clock: HostClock;
  readonly logger: HostLogger;
  readonly keys: AccessKeys;
  readonly routePrefix: string;
  /** What `%NAME%` in a binding stands for. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly bodyBytesMax: number;
  readonly queues: QueueSettings;
  newInvocationId(): string;
  /** Runs a function. Never rejects; the host waits for it on close; a failure is logged. */
  invoke(fn: TriggeredFunction, input: TriggerInput): Promise<InvocationOutcome>;
}

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** What the request's log line says besides method, status and time. */
export interface ExchangeRecord {
  readonly route: string;
  readonly invocationId?: string;
}

export interface TriggerListener {
  /** @returns undefined, at once, when the request is not this listener's; else answers it. */
  handle?(exchange: HttpExchange): Promise<ExchangeRecord> | undefined;
  start?(): Promise<void>;
  /** Ends the source of new invocations; those under way go on. */
  stop?(): void;
  /** Resolves when what follows the invocations under way is done too, such as removing a message; the host waits for it on close. */
  settled?(): Promise<void>;
}

/** Binds all functions of one trigger type. It starts nothing: `start` does. */
export type TriggerKind = (functions: readonly TriggeredFunction[], host: HostContext) => TriggerListener;

/** Replaces `%NAME%` by the setting of that name, as in Azure; an unknown name stays as it is. */
export function expandSettings(text: string, settings: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/%([^%\s]+)%/g, (whole, name: string) => settings[name] ?? whole);
}
