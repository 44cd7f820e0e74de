/**
 * POST /realtime/negotiate: where to listen for what happens in some workspaces. Whoever gets no answer, or an answer without a
 * seat, polls: nothing is ever learned from the realtime service that the journal does not tell too.
 */
import { limits } from '../limits.ts';
import { type ValueOf, deviceId, integer, list, message, optional, text, workspaceId } from './schema.ts';

/** One linked folder: the workspace, and the device that it is there. */
export const seat = message('Seat', { workspaceId, deviceId });
export type Seat = ValueOf<typeof seat>;

/** `seats`: the folders that one connection is to serve. */
export const negotiateRequest = message('NegotiateRequest', { seats: list(seat, limits.realtimeSeatsMax) });
export type NegotiateRequest = ValueOf<typeof negotiateRequest>;

/**
 * `url`: a WebSocket URL that carries its access token: it is good for one user, until `expiresMs`, and belongs in no log. A connection that
 * was opened outlives it. `seats`: those of the request that the caller may have; the others are not told apart by their reasons. Both
 * are null without a seat, and where the stack has no realtime service.
 */
export const negotiateResponse = message('NegotiateResponse', {
  url: optional(text(limits.urlBytesMax)),
  expiresMs: optional(integer()),
  seats: list(seat, limits.realtimeSeatsMax),
});
export type NegotiateResponse = ValueOf<typeof negotiateResponse>;
