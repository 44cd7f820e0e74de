/**
 * Where the agent of a folder listens: a Unix domain socket in a folder that only this user can enter, a named pipe on Windows. Its
 * name is a hash of the folder's path, since a socket's path has 107 bytes at most (104 on macOS).
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { TidemarkError } from '../../../shared/core/errors.ts';

const pathBytesMax = 103;

function hashOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 32);
}

/** Folders to try, the best first: the user's runtime folder goes with their session; a folder of temporary files is always there. */
function candidates(env: NodeJS.ProcessEnv): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const own = join(tmpdir(), `tidemark-agent-${userInfo().uid}`);
  return runtime === undefined || runtime === '' ? [own] : [join(runtime, 'tidemark'), own];
}

/** Makes it if it is missing. False when it is not this user's alone: somebody else may have put it there. */
function isOwnFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== userInfo().uid) return false;
    if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
    return true;
  } catch {
    return false;
  }
}

/** Throws `unavailable` when there is no safe place. */
export function mustGetSocketPath(folder: string, env: NodeJS.ProcessEnv): string {
  const name = hashOf(folder);
  if (process.platform === 'win32') return `\\\\.\\pipe\\tidemark-${name}`;
  for (const parent of candidates(env)) {
    const path = join(parent, `${name}.sock`);
    if (Buffer.byteLength(path) <= pathBytesMax && isOwnFolder(parent)) return path;
  }
  throw new TidemarkError('unavailable', 'there is no folder of this user alone for the socket of the agent');
}

/** Whether a socket that a record names is this user's own. A pipe of Windows has no owner to ask for. */
export function isOwnSocket(path: string): boolean {
  if (process.platform === 'win32') return path.startsWith('\\\\.\\pipe\\tidemark-');
  try {
    const stat = lstatSync(path);
    return stat.isSocket() && stat.uid === userInfo().uid;
  } catch {
    return false;
  }
}
