/** Who is in a workspace, for people and for `--json`. */
import type { DeviceId } from '../../shared/core/ids.ts';
import type { PresentDevice } from '../../shared/core/wire/presence.ts';
import { emphasise, nameToText, tableToLines } from './context.ts';
import { timeToText } from './pause-text.ts';

/** Others that `tide status` shows; `tide who` has all. */
const othersShownMax = 5;

/** A device as `--json` shows it. `isThis`: the one that this folder is. */
export type ShownDevice = PresentDevice & { readonly isThis: boolean };

export function toShownDevices(
  devices: readonly PresentDevice[],
  thisDevice: DeviceId | undefined,
): readonly ShownDevice[] {
  return devices.map((device) => ({ ...device, isThis: device.deviceId === thisDevice }));
}

/** Since when it is in its state; of one that is away, when it was last heard of. */
function sinceToText({ state, sinceMs, seenMs }: PresentDevice): string {
  return state === 'offline' ? `last seen ${timeToText(seenMs)}` : `since ${timeToText(sinceMs)}`;
}

function toRow(device: ShownDevice): string[] {
  const { name, userId, state, isThis } = device;
  return [`${nameToText(name)}${isThis ? ' (this device)' : ''}`, nameToText(userId), state, sinceToText(device)];
}

export function presenceToTable(devices: readonly ShownDevice[]): string[] {
  if (devices.length === 0) return ['Nobody was heard of lately. `tide watch` tells others of this device.'];
  return tableToLines([['DEVICE', 'USER', 'STATE', 'SINCE / LAST SEEN'].map(emphasise), ...devices.map(toRow)]);
}

/** The other devices, for `tide status`: one line each. Null: nobody could be asked. */
export function othersToLines(devices: readonly ShownDevice[] | null): string[] {
  const others = (devices ?? []).filter(({ isThis }) => !isThis);
  const rest = others.length - othersShownMax;
  const rows = others.slice(0, othersShownMax).map(toRow);
  return [
    ...tableToLines(rows.map((row) => ['  also here:', ...row])),
    ...(rest > 0 ? [`    … and ${rest} more (tide who)`] : []),
  ];
}
