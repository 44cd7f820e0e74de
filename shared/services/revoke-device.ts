import type { DeviceId } from '../core/ids.ts';
import type { DeviceView } from '../core/wire/device.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { noSuchDevice, requireScope } from './authorise.ts';
import { deviceToView } from './device-view.ts';
import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';

/**
 * Takes a device of the caller's its access, for ever; a repeat changes nothing. From then on it neither uploads nor commits, and
 * is refused wherever it names itself. All realtime connections of the caller end: they are not told apart by devices. A token that
 * somebody took from it, used without naming it, reads until it ends: what ends tokens is their issuer.
 * @throws TidemarkError `not-found` when it is not the caller's, whether it exists or not.
 */
export async function revokeDevice(
  deps: Needs<'metadata' | 'clock' | 'log' | 'announcer'>,
  input: { readonly caller: Caller; readonly deviceId: DeviceId },
): Promise<DeviceView> {
  const { caller, deviceId } = input;
  requireScope(caller, 'write');
  const device = await deps.metadata.devices.get(deviceId);
  if (device?.userId !== caller.userId) throw noSuchDevice();
  const revoked = await deps.metadata.devices.revoke(deviceId, serverTimeMs(deps.clock));
  if (revoked === undefined) throw noSuchDevice();
  if (device.revokedMs === null) deps.log.info({ deviceId }, 'a device was revoked');
  await deps.announcer.expelUser(caller.userId);
  return deviceToView(revoked);
}
