/** Names of devices by their ids. Only a person's own can be asked for: those of others are shown by their ids. */
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { DeviceId } from '../../shared/core/ids.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

export type DeviceNames = ReadonlyMap<DeviceId, string>;

export async function readDeviceNames({ connection }: WorkspaceTarget, signal: AbortSignal): Promise<DeviceNames> {
  try {
    const devices = await connection.api.listDevices(signal);
    return new Map(devices.map(({ deviceId, name }) => [deviceId, name]));
  } catch (error) {
    // Names are an adornment; but who is not logged in, or was stopped, is told so.
    if (isTidemarkError(error, 'forbidden')) return new Map();
    throw error;
  }
}
