/**
 * A device whose commands run in the process of the test: for what a command does to folders and workspaces, where it is not the matter that it is a
 * process. One command at a time: the exit code is of the whole process.
 */
import { Device } from '../../bench/demo/device.ts';
import { mustTide, tideHere } from './tide-in-process.ts';
import type { TideEnded } from './tide-process.ts';

export class NearDevice extends Device {
  override run<T>(...args: readonly string[]): Promise<T> {
    return mustTide<T>(this.home, ...args);
  }
}

/** As `runTide` of tide-process.ts, without the process. */
export async function runNear(device: Device, args: readonly string[]): Promise<TideEnded> {
  const { code, data, text, notes, error } = await tideHere(device.home, ...args);
  const out = args.includes('--json') ? JSON.stringify(data) : text;
  const said = [...notes, ...(error === '' ? [] : [`tide: ${error}`])];
  return { code, stdout: out === undefined ? '' : `${out}\n`, stderr: said.map((line) => `${line}\n`).join('') };
}
