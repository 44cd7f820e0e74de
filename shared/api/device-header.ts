/**
 * The device that a request says it comes from, on any route with a token: so a revoked device learns of it wherever it asks, and
 * reads no more either. It binds nobody to a device: a token does not name one, so whoever leaves the header out is taken by the
 * token alone. Commits and uploads name the device in their body and are checked whatever the header says.
 */
import { parseDeviceId } from '../core/ids.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authoriseDevice } from '../services/authorise.ts';
import type { Needs } from '../services/dependencies.ts';

export const deviceHeader = 'tidemark-device';

/** Throws `malformed` on what is no device id, `not-found` on one that is not the caller's, `revoked`. Nothing without the header. */
export async function checkDevice(deps: Needs<'metadata'>, caller: Caller, headers: Headers): Promise<void> {
  const deviceId = headers.get(deviceHeader);
  if (deviceId !== null) await authoriseDevice(deps, caller, parseDeviceId(deviceId));
}
