/**
 * Whether the server can tell of changes: asked where to listen, connected, joined, closed. Whatever comes of it, syncing works: so the worst
 * is a warning.
 *
 * Where an agent watches the folder, it is asked instead. A device's newest connection is the one that speaks for it: one of the doctor's would
 * have the device shown as away when it ends.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type NegotiateResponse, type Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import { groupOfWorkspace } from '../../../shared/core/wire/realtime-event.ts';
import { isSocketUrl } from '../../agent/realtime/negotiation.ts';
import type { JoinResult, OpenSocket, Socket } from '../../agent/realtime/socket.ts';
import type { RealtimeMode } from '../../agent/watch/watch-state.ts';
import { type Finding, ok, warn } from './check.ts';

const polls = 'changes elsewhere are found by asking the server, some time later';
const networkAdvice = `a proxy or firewall on the way may not let WebSockets (wss) through; until then ${polls}`;

export interface RealtimeQuestion {
  readonly seat: Seat;
  readonly negotiate: (seats: readonly Seat[]) => Promise<NegotiateResponse>;
}

export interface RealtimeProbe extends RealtimeQuestion {
  readonly openSocket: OpenSocket;
  /** Resolves when nobody would wait any longer. */
  readonly patience: Promise<unknown>;
}

/** As the agent of the folder has it. Where it is not connected, the server is asked whether there is anything to connect to. */
export async function checkAgentRealtime(mode: RealtimeMode, question: RealtimeQuestion): Promise<Finding> {
  if (mode === 'live') return ok('the agent is connected; changes elsewhere are told at once');
  if (mode === 'off') return ok(`the agent was started with --no-realtime; ${polls}`);
  const place = await findPlace(question);
  return typeof place === 'string'
    ? warn('the agent is not connected', `its log tells why; until then ${polls}`)
    : place;
}

export async function checkRealtime(probe: RealtimeProbe): Promise<Finding> {
  const place = await findPlace(probe);
  return typeof place === 'string' ? judgeJoin(await tryJoin(probe, place)) : place;
}

/** The URL to listen at, or what is to be said where there is none. */
async function findPlace({ seat, negotiate }: RealtimeQuestion): Promise<string | Finding> {
  let answer: NegotiateResponse;
  try {
    answer = await negotiate([seat]);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'not-found') return ok(`the server knows of no realtime; ${polls}`);
    return warn(
      `the server does not say where to listen: ${error.message}`,
      `see the other findings; until then ${polls}`,
    );
  }
  if (answer.url === null) return ok(`the server has no realtime service for this folder; ${polls}`);
  if (!isSocketUrl(answer.url))
    return warn('the server names no place to listen at', 'ask for an update of the server');
  return answer.url;
}

function judgeJoin(result: JoinResult | 'unreachable'): Finding {
  if (result === 'joined') return ok('connected, joined and closed; changes elsewhere are told at once');
  if (result === 'refused') {
    return warn('the realtime service refused the connection', 'ask an operator of the server: `docs/operations.md`');
  }
  return warn('the realtime service cannot be reached', networkAdvice);
}

/** The connection is closed when it resolves. */
async function tryJoin(
  { seat, openSocket, patience }: RealtimeProbe,
  url: string,
): Promise<JoinResult | 'unreachable'> {
  const result = Promise.withResolvers<JoinResult | 'unreachable'>();
  const join = async (): Promise<void> => result.resolve(await socket.join(groupOfWorkspace(seat.workspaceId)));
  const socket: Socket = openSocket(url, {
    opened: () => void join(),
    message: () => undefined,
    dropped: () => undefined,
    ended: (reason) => result.resolve(reason === 'refused' ? 'refused' : 'unreachable'),
  });
  try {
    return await Promise.race([result.promise, patience.then(() => 'unreachable' as const)]);
  } finally {
    await socket.close();
  }
}
