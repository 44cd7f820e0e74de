import type { DeviceView } from '../core/wire/device.ts';
import type { DeviceRecord } from '../ports/metadata-store.ts';

/** What its owner sees of a device. */
export function deviceToView({ deviceId, name, createdMs, revokedMs }: DeviceRecord): DeviceView {
  return { deviceId, name, createdMs, revokedMs };
}
