import { bytesToDeviceId } from '../core/ids.ts';
import type { DeviceView, RegisterDeviceRequest } from '../core/wire/device.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { requireScope } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { derivedIdBytes } from './derived-id.ts';
import { checkDisplayName } from './display-name.ts';
import { serverTimeMs } from './server-time.ts';

/** Registers a device of the caller's. The same caller and token give the same device, under the name it had first. */
export async function registerDevice(
  deps: Needs<'metadata' | 'clock'>,
  input: { readonly caller: Caller; readonly request: RegisterDeviceRequest },
): Promise<DeviceView> {
  const { caller, request } = input;
  requireScope(caller, 'write');
  const { deviceId, name, createdMs } = await deps.metadata.devices.register({
    deviceId: bytesToDeviceId(derivedIdBytes('device', caller.userId, request.token)),
    userId: caller.userId,
    name: checkDisplayName(request.name, 'name'),
    createdMs: serverTimeMs(deps.clock),
  });
  return { deviceId, name, createdMs };
}
