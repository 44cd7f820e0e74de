/** What happens to a device from outside for a while, and ends: its network, its disk, its clock. */
import type { Device } from './device.ts';
import type { Random } from './random.ts';
import { type Profile, clockSkews } from './profile.ts';
import type { Tally } from './tally.ts';
import { root } from './tree.ts';

/** Where the folder is while its disk is not mounted. */
export const elsewhere = '/elsewhere';
/** What was written where a disk should have been: hidden once it is there again. */
const hidden = '/hidden';

/** Weights in the choice of what happens next, by what a history may have. */
export function weatherOf({
  partitions,
  fullDisks,
  unmounts,
  clockSteps,
  delivery,
}: Profile): Readonly<Record<Weather, number>> {
  return {
    partition: partitions ? 1 : 0,
    fullDisk: fullDisks ? 1 : 0,
    unmount: unmounts ? 0.6 : 0,
    clockStep: clockSteps ? 1 : 0,
    channel: delivery === null ? 0 : 0.6,
  };
}
export type Weather = 'partition' | 'fullDisk' | 'unmount' | 'clockStep' | 'channel';

/** Begins it for this device, or ends it. Returns what happened, for the trace. */
export function changeWeather(device: Device, weather: Weather, random: Random, tally: Tally): string {
  switch (weather) {
    case 'partition':
      device.isCut = !device.isCut;
      if (device.isCut) tally.fault('partition');
      // The realtime service is another one: it may be reachable all the same.
      if (random.chance(0.5)) device.watch.setReachable(!device.isCut);
      return device.isCut ? 'is cut off' : 'is reachable again';
    case 'fullDisk':
      device.faults.isFull = !device.faults.isFull;
      if (device.faults.isFull) tally.fault('full disk');
      return device.faults.isFull ? 'has a full disk' : 'has room again';
    case 'unmount':
      if (device.isMounted) tally.fault('unmount');
      setMounted(device, !device.isMounted);
      return device.isMounted ? 'has its folder again' : 'has its folder taken away';
    case 'clockStep':
      device.agent.clockSkewMs = random.pick(clockSkews);
      tally.fault('clock step');
      return `has its clock at ${device.agent.clockSkewMs}`;
    case 'channel':
      if (device.watch.isReachable) tally.fault('channel lost');
      device.watch.setReachable(!device.watch.isReachable);
      return device.watch.isReachable ? 'is told of changes again' : 'is told of changes no more';
  }
}

/** The sun shines. */
export function clearWeather(device: Device): void {
  device.isCut = false;
  device.faults.isFull = false;
  device.watch.setReachable(true);
  setMounted(device, true);
}

function setMounted(device: Device, isMounted: boolean): void {
  const { agent, user } = device;
  if (device.isMounted === isMounted) return;
  device.isMounted = isMounted;
  // A sync that goes on over this may have seen either folder.
  device.acts++;
  user.quietly(() => {
    const { fs } = agent;
    if (isMounted) {
      fs.rename(root, `${hidden}-${device.acts}`);
      fs.rename(elsewhere, root);
    } else {
      fs.rename(root, elsewhere);
      fs.makeFolder(root);
    }
    fs.flushFolder('/');
  });
}
