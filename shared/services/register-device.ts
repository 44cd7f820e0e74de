import { bytesToDeviceId } from '../core/ids.ts';
import type { DeviceView, RegisterDeviceRequest } from '../core/wire/device.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { refuseRevoked, requireScope } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { derivedIdBytes } from './derived-id.ts';
import { deviceToView } from './device-view.ts';
import { checkDisplayName } from './display-name.ts';
import { serverTimeMs } from './server-time.ts';

/**
 * Registers a device of the caller's. The same caller and token give the same device, under the name it had first. Throws
 * `revoked` when that one was revoked: it comes back by no token that it knows.
 */
export async function registerDevice(
  deps: Needs<'metadata' | 'clock'>,
  input: { readonly caller: Caller; readonly request: RegisterDeviceRequest },
): Promise<DeviceView> {
  const { caller, request } = input;
  requireScope(caller, 'write');
  const device = await deps.metadata.devices.register({
    deviceId: bytesToDeviceId(derivedIdBytes('device', caller.userId, request.token)),
    userId: caller.userId,
    name: checkDisplayName(request.name, 'name'),
    createdMs: serverTimeMs(deps.clock),
    revokedMs: null,
  });
  refuseRevoked(device);
  return deviceToView(device);
}
