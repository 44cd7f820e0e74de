/** `stack.json` (0600) in the data folder: where a running stack is, for `tide`, tests and people. */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const stackFileName = 'stack.json';

export interface StackFile {
  readonly pid: number;
  /** Processes that belong to the stack and end with it. */
  readonly companions: readonly number[];
  /** The API with its prefix: what `tide login --server` takes. */
  readonly server: string;
  readonly blobs: string;
  readonly issuer: string;
  /** The endpoint that stands in for Azure Web PubSub; absent without realtime. */
  readonly realtime?: string;
  readonly port: number;
  /** Of the storage account that Azurite serves, with its key; absent without Azurite. */
  readonly connectionString?: string;
}

export function writeStackFile(data: string, stack: StackFile): void {
  const file = join(data, stackFileName);
  const temporary = `${file}.${stack.pid}`;
  writeFileSync(temporary, JSON.stringify(stack, null, 2) + '\n', { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

export function removeStackFile(data: string): void {
  rmSync(join(data, stackFileName), { force: true });
}

/** What the file says, running or not: a killed stack leaves one behind. Undefined when there is none that can be read. */
export function readStackFile(data: string): StackFile | undefined {
  try {
    return JSON.parse(readFileSync(join(data, stackFileName), 'utf8')) as StackFile;
  } catch {
    return undefined;
  }
}
