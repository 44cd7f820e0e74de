/** POST, GET /devices; DELETE /devices/{device}. */
import { limits } from '../limits.ts';
import { type ValueOf, bytes, deviceId, integer, list, message, optional, text } from './schema.ts';

/** `token`: 16 random bytes of the client's; the same user and token give the same device, so a repeat is harmless. */
export const registerDeviceRequest = message('RegisterDeviceRequest', {
  token: bytes(16),
  name: text(limits.deviceNameBytesMax),
});
export type RegisterDeviceRequest = ValueOf<typeof registerDeviceRequest>;

export const deviceView = message('Device', {
  deviceId,
  name: text(limits.deviceNameBytesMax),
  createdMs: integer(),
  revokedMs: optional(integer()),
});
export type DeviceView = ValueOf<typeof deviceView>;
export const deviceList = message('DeviceList', { devices: list(deviceView, 10_000) });
