/** Who is in a workspace, for people and for `--json`. */
import type { HeardUpload } from '../agent/realtime/heard-uploads.ts';
import type { DeviceId } from '../../shared/core/ids.ts';
import type { PresentDevice } from '../../shared/core/wire/presence.ts';
import { emphasise, nameToText, tableToLines } from './context.ts';
import { timeToText } from './pause-text.ts';

/** Others that `tide status` shows; `tide who` has all. */
const othersShownMax = 5;

/**
 * A device as `--json` shows it. `percent`: of an upload that it is busy with; null where it has none, or none was heard of. `isThis`: the one that
 * this folder is.
 */
export type ShownDevice = PresentDevice & { readonly percent: number | null; readonly isThis: boolean };

/** Those that are there in an order that does not change while they are at work, then those that went, the last first. */
function inOrder(a: PresentDevice, b: PresentDevice): number {
  const isAway = [a, b].map(({ state }) => Number(state === 'offline')) as [number, number];
  if (isAway[0] !== isAway[1]) return isAway[0] - isAway[1];
  if (isAway[0] === 1 && a.seenMs !== b.seenMs) return b.seenMs - a.seenMs;
  const [one, other] = [a, b].map(({ userId, name, deviceId }) => `${userId}\0${name}\0${deviceId}`) as [
    string,
    string,
  ];
  return one < other ? -1 : 1;
}

export function toShownDevices(
  devices: readonly PresentDevice[],
  thisDevice: DeviceId | undefined,
  uploads: readonly HeardUpload[] = [],
): readonly ShownDevice[] {
  const percents = new Map(uploads.map(({ deviceId, percent }) => [deviceId, percent]));
  return devices.toSorted(inOrder).map((device) => {
    const { deviceId, state } = device;
    const percent = state === 'syncing' ? (percents.get(deviceId) ?? null) : null;
    return { ...device, percent, isThis: deviceId === thisDevice };
  });
}

/** Since when it is in its state; of one that is away, when it was last heard of. */
function sinceToText({ state, sinceMs, seenMs }: PresentDevice): string {
  return state === 'offline' ? `last seen ${timeToText(seenMs)}` : `since ${timeToText(sinceMs)}`;
}

function toRow(device: ShownDevice): string[] {
  const { name, userId, state, percent, isThis } = device;
  return [
    `${nameToText(name)}${isThis ? ' (this device)' : ''}`,
    nameToText(userId),
    percent === null ? state : `${state} (${percent} %)`,
    sinceToText(device),
  ];
}

export function presenceToTable(devices: readonly ShownDevice[]): string[] {
  if (devices.length === 0) return ['Nobody was heard of lately. `tide watch` tells others of this device.'];
  return tableToLines([['DEVICE', 'USER', 'STATE', 'SINCE / LAST SEEN'].map(emphasise), ...devices.map(toRow)]);
}

/** The other devices, for `tide status`: one line each. Null: nobody could be asked. */
export function othersToLines(devices: readonly ShownDevice[] | null): string[] {
  const others = (devices ?? []).filter(({ isThis }) => !isThis);
  const rest = others.length - othersShownMax;
  const shown = others.slice(0, othersShownMax);
  return [
    ...tableToLines(shown.map((each) => [each.state === 'offline' ? '  away:' : '  also here:', ...toRow(each)])),
    ...(rest > 0 ? [`    … and ${rest} more (tide who)`] : []),
  ];
}
