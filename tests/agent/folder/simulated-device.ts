/** A synced folder on a simulated disk, and a user who works in it. */
import { utf8, utf8ToText } from '../../../shared/core/bytes.ts';
import type { FakeServer } from '../transfer/fake-server.ts';
import { SimulatedFileSystem, type SimulatedFileSystemOptions } from '../../sim/simulated-file-system.ts';
import { Device } from './device.ts';

export const root = '/sync';

export interface Simulated {
  readonly fs: SimulatedFileSystem;
  readonly device: Device;
  write(path: string, text: string | Uint8Array): void;
  read(path: string): string;
  mkdir(path: string): void;
  move(from: string, to: string): void;
  remove(path: string): void;
}

/** Open, with nothing in it. */
export async function createSimulated(
  options: SimulatedFileSystemOptions = {},
  server?: FakeServer,
): Promise<Simulated> {
  const fs = new SimulatedFileSystem(options);
  fs.makeFolder(root);
  fs.flushAll(root);
  const device = new Device(fs, root, server === undefined ? {} : { server });
  await device.open();
  return { device, ...userOf(fs) };
}

export function userOf(fs: SimulatedFileSystem): Omit<Simulated, 'device'> {
  const at = (path: string): string => `${root}/${path}`;
  return {
    fs,
    write: (path, text) => fs.writeFile(at(path), typeof text === 'string' ? utf8(text) : text),
    read: (path) => utf8ToText(fs.readFile(at(path))),
    mkdir: (path) => fs.makeFolder(at(path)),
    move: (from, to) => fs.rename(at(from), at(to)),
    remove: (path) => fs.removeFile(at(path)),
  };
}
