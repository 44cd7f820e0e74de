import { TidemarkError, isTidemarkError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { NegotiateRequest, NegotiateResponse } from '../../core/wire/realtime-negotiate.ts';
import { type ClientUrl, type Notifier, groupOfWorkspace } from '../../ports/notifier.ts';
import type { Caller } from '../../ports/token-verifier.ts';
import { requireScope } from '../authorise.ts';
import type { Needs } from '../dependencies.ts';
import { findGrantedSeats } from './granted-seats.ts';
import { distinctSeats, encodeSeats, seatsName } from './seats.ts';

const nowhere: NegotiateResponse = { url: null, expiresMs: null, seats: [] };

/**
 * A URL that opens what is said about the workspaces of those seats that the caller may have, and nothing else. Others are left out without
 * a word. It lets nobody in by itself: who comes with it is looked at again (connect.ts).
 * @throws TidemarkError `forbidden` by scope; `unavailable` when the realtime service gives no URL: the client polls.
 */
export async function negotiate(
  deps: Needs<'metadata' | 'notifier' | 'log'>,
  input: { readonly caller: Caller; readonly request: NegotiateRequest },
): Promise<NegotiateResponse> {
  const { caller, request } = input;
  requireScope(caller, 'read');
  if (deps.notifier === null) return nowhere;
  const granted = await findGrantedSeats(deps, caller.userId, distinctSeats(request.seats));
  if (granted.length === 0) return nowhere;
  const seats = granted.map(({ workspaceId, deviceId }) => ({ workspaceId, deviceId }));
  const groups = [...new Set(seats.map(({ workspaceId }) => groupOfWorkspace(workspaceId)))];
  const { notifier } = deps;
  const { url, expiresMs } = await clientUrl(deps, () =>
    notifier.clientUrl(caller.userId, groups, limits.realtimeUrlSeconds),
  );
  return { url: `${url}&${seatsName}=${encodeSeats(seats)}`, expiresMs, seats };
}

/** What the service's client throws may hold its address or a token: it goes nowhere. */
async function clientUrl(deps: Needs<'log'>, ask: () => ReturnType<Notifier['clientUrl']>): Promise<ClientUrl> {
  try {
    return await ask();
  } catch (error) {
    deps.log.warn({ code: isTidemarkError(error) ? error.code : 'unknown' }, 'the realtime service gave no URL');
    throw new TidemarkError('unavailable', 'the realtime service cannot be reached: poll, and ask again later');
  }
}
