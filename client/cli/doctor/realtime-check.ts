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

/** What the agent of the folder says. */
export function judgeRealtime(mode: RealtimeMode): Finding {
  if (mode === 'live') return ok('the agent is connected; changes elsewhere are told at once');
  if (mode === 'off') return ok(`the agent was started with --no-realtime; ${polls}`);
  return warn('the agent is not connected', `its log tells why; until then ${polls}`);
}

export interface RealtimeProbe {
  readonly seat: Seat;
  readonly negotiate: (seats: readonly Seat[]) => Promise<NegotiateResponse>;
  readonly openSocket: OpenSocket;
  /** Resolves when nobody would wait any longer. */
  readonly patience: Promise<unknown>;
}

export async function checkRealtime(probe: RealtimeProbe): Promise<Finding> {
  let answer: NegotiateResponse;
  try {
    answer = await probe.negotiate([probe.seat]);
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
  return judgeJoin(await tryJoin(probe, answer.url));
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
