import type { DeviceView } from '../core/wire/device.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { requireScope } from './authorise.ts';
import { deviceToView } from './device-view.ts';
import type { Needs } from './dependencies.ts';

/** The caller's devices, revoked ones too, by creation time. */
export async function listDevices(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller },
): Promise<readonly DeviceView[]> {
  requireScope(input.caller, 'read');
  return (await deps.metadata.devices.listOfUser(input.caller.userId)).map(deviceToView);
}
