import { app } from '@azure/functions';
import type { ApiDependencies } from '../shared/api/api.ts';
import { isTidemarkError } from '../shared/core/errors.ts';
import { realtimeHub } from '../shared/ports/notifier.ts';
import { connect } from '../shared/services/realtime/connect.ts';
import { connected, disconnected } from '../shared/services/realtime/connected.ts';
import type { Connection, ReportInput } from '../shared/services/realtime/connection.ts';
import { type ReportOutcome, reportPresence, reportProgress } from '../shared/services/realtime/report.ts';
import { toHttpHandler } from './http-handler.ts';
import { toConnectInput, toConnection, toReportInput } from './realtime-event.ts';
import { type GetService, runOnService } from './service.ts';

/** What is answered to `connect`; of other events nobody waits for an answer. */
type ConnectResponse =
  | { readonly states: Readonly<Record<string, string>> }
  | { readonly code: 'unauthorized' | 'serverError'; readonly errorMessage: string };

/** All of the event, as `request`. */
const common = { name: 'request', hub: realtimeHub } as const;

async function answerConnect(deps: ApiDependencies, event: unknown): Promise<ConnectResponse> {
  const input = toConnectInput(event);
  const refused = (why: string): ConnectResponse => ({ code: 'unauthorized', errorMessage: why });
  if (deps.notifier === null) return refused('there is no realtime here');
  if (input === undefined) return refused('no connection');
  try {
    const answer = await connect(deps, input);
    return answer.kind === 'accepted' ? { states: answer.states } : refused(answer.why);
  } catch (error) {
    // Said, not thrown: the service would be left to wait for an answer.
    logFailure(deps, 'connect', error);
    return { code: 'serverError', errorMessage: 'try again later' };
  }
}

function logFailure({ log }: ApiDependencies, eventName: string, error: unknown): void {
  const code = isTidemarkError(error) ? error.code : 'internal';
  log.error({ eventName, code, error: String(error) }, 'an event of a realtime connection could not be handled');
}

/**
 * Events of realtime connections, and where clients ask for one. Events may be lost, late, doubled and out of order; each use case authorises
 * by itself, and nothing that is kept depends on them.
 */
export function registerRealtime(getService: GetService): void {
  const handler = toHttpHandler(getService);
  app.http('realtimeNegotiate', { route: 'realtime/negotiate', methods: ['POST'], authLevel: 'anonymous', handler });

  app.webPubSub('realtimeConnect', {
    ...common,
    eventType: 'system',
    eventName: 'connect',
    handler: (event) => runOnService(getService, (deps) => answerConnect(deps, event)),
  });

  const onSystem = (
    eventName: 'connected' | 'disconnected',
    handle: (deps: ApiDependencies, connection: Connection) => Promise<void>,
  ): void => {
    const name = eventName === 'connected' ? 'realtimeConnected' : 'realtimeDisconnected';
    app.webPubSub(name, {
      ...common,
      eventType: 'system',
      eventName,
      handler: (event) =>
        runOnService(getService, async (deps) => {
          const connection = toConnection(event);
          if (deps.notifier !== null && connection !== undefined) await handle(deps, connection);
        }),
    });
  };
  onSystem('connected', connected);
  onSystem('disconnected', disconnected);

  const onReport = (
    name: string,
    eventName: 'presence' | 'progress',
    report: (deps: ApiDependencies, input: ReportInput) => Promise<ReportOutcome>,
  ): void => {
    app.webPubSub(name, {
      ...common,
      eventType: 'user',
      eventName,
      handler: (event) =>
        runOnService(getService, async (deps) => {
          const input = toReportInput(event);
          if (deps.notifier === null || input === undefined) return;
          try {
            const outcome = await report(deps, input);
            deps.log.debug({ eventName, outcome }, 'a report of a realtime connection was read');
          } catch (error) {
            // A report that is lost is made up for by the next; an error here would end the connection.
            logFailure(deps, eventName, error);
          }
        }),
    });
  };
  onReport('realtimePresence', 'presence', reportPresence);
  onReport('realtimeProgress', 'progress', reportProgress);
}
