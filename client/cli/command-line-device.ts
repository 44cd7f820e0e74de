/**
 * The device under which the command line changes a workspace that is linked to no folder here: one for each server and user of this
 * machine, registered when it is first needed.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, hexToBytes, utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { DeviceId } from '../../shared/core/ids.ts';
import { limits } from '../../shared/core/limits.ts';
import type { Connection } from './connection.ts';
import type { CliContext } from './context.ts';

const tokenForm = /^[0-9a-f]{32}$/;

/** Kept before it is sent: the same token is the same device, however often it is registered. */
function keepToken(file: string, folder: string): Uint8Array {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const token = new Uint8Array(randomBytes(16));
  try {
    writeFileSync(file, bytesToHex(token), { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const kept = readFileSync(file, 'utf8').trim();
  if (tokenForm.test(kept)) return hexToBytes(kept);
  writeFileSync(file, bytesToHex(token), { mode: 0o600 });
  return token;
}

export async function commandLineDevice(
  { configFolder, signal }: CliContext,
  { api, server, user }: Connection,
): Promise<DeviceId> {
  const name = `device-${blake3Digest(utf8(`${server}\n${user}`)).slice(0, 16)}`;
  const token = keepToken(join(configFolder, name), configFolder);
  const title = `${hostname()} (command line)`.slice(-limits.deviceNameBytesMax);
  return (await api.registerDevice({ token, name: title }, signal)).deviceId;
}
