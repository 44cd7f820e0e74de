/** Two devices that sync a tree of many small files, and one of a few large ones. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { linkTree, smallFilePath, walkTree, writeLargeFiles, writeSmallFiles } from './generated-tree.ts';
import { MeasuredDevice } from './measured-device.ts';
import { type Row, syncRow } from './row.ts';

const MiB = 1024 * 1024;

interface Setting {
  readonly server: string;
  /** A folder for this measurement, removed afterwards. */
  readonly base: string;
}

interface StatusPrinted {
  readonly pending: { readonly local: number };
}

/** A folder full of files that no sync has seen: `tide status` reads all of them. */
async function measureScan({ server, base }: Setting, tree: string): Promise<Row> {
  const device = new MeasuredDevice('scanned', base);
  linkTree(tree, device.folder);
  await device.begin(server, 'scanned', true);
  const { printed, ...measured } = await device.run<StatusPrinted>('status', device.folder);
  if (printed.pending.local === 0) throw new Error('the scan found nothing');
  rmSync(device.folder, { recursive: true });
  return { what: 'scan of files not known yet', ...measured, bytesSent: 0, bytesReceived: 0, requests: 0 };
}

export async function measureSmallFiles(setting: Setting, files: number): Promise<Row[]> {
  const { server, base } = setting;
  const laptop = new MeasuredDevice('laptop', base);
  const desktop = new MeasuredDevice('desktop', base);
  writeSmallFiles(laptop.folder, files);
  const rows: Row[] = [];
  rows.push(await measureScan(setting, laptop.folder));
  await laptop.begin(server, 'small', true);
  await desktop.begin(server, 'small', false);
  rows.push(syncRow('first sync', await laptop.sync()));
  // Files written right before a scan are read again by the next.
  await laptop.sync();
  rows.push(syncRow('sync of nothing', await laptop.sync()));
  walkTree(laptop.folder);
  const seconds = walkTree(laptop.folder);
  const what = 'the walk alone, without a process';
  rows.push({ what, seconds, processorSeconds: null, peakBytes: null, bytesSent: 0, bytesReceived: 0, requests: 0 });
  rows.push(syncRow("second device's first sync", await desktop.sync()));
  rows.push(syncRow('second device, sync of nothing', await desktop.sync()));
  const changed = smallFilePath(Math.floor(files / 2));
  writeFileSync(join(laptop.folder, changed), 'changed\n');
  rows.push(syncRow('one file changed', await laptop.sync()));
  rows.push(syncRow('the same on the second device', await desktop.sync()));
  if (readFileSync(join(desktop.folder, changed), 'utf8') !== 'changed\n') throw new Error('the change did not arrive');
  return rows;
}

export async function measureLargeFiles({ server, base }: Setting, bytes: number): Promise<Row[]> {
  const laptop = new MeasuredDevice('laptop', base);
  const desktop = new MeasuredDevice('desktop', base);
  mkdirSync(laptop.folder, { recursive: true });
  writeLargeFiles(laptop.folder, bytes);
  await laptop.begin(server, 'large', true);
  await desktop.begin(server, 'large', false);
  const rows = [syncRow('first sync', await laptop.sync())];
  rows.push(syncRow("second device's first sync", await desktop.sync()));
  const file = join(laptop.folder, 'large-0.bin');
  const handle = openSync(file, 'r+');
  writeSync(handle, 'changed', Math.floor(statSync(file).size / 2 / MiB) * MiB);
  closeSync(handle);
  rows.push(syncRow('a few bytes of a large file changed', await laptop.sync()));
  rows.push(syncRow('the same on the second device', await desktop.sync()));
  return rows;
}
