/** The server: whether it is there, is of our time and protocol, and knows this person and this device. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { WorkspaceView } from '../../../shared/core/wire/workspace.ts';
import type { Connection } from '../connection.ts';
import { connectAnonymously } from '../connection.ts';
import type { Credential } from '../credentials.ts';
import { type Finding, fail, ok, warn } from './check.ts';

/** The version of the protocol that this client speaks. */
const protocol = 1;
const skewWarnMs = 30_000;
/** Tokens are refused when the clocks are further apart than what issuers allow for. */
const skewFailMs = 300_000;
const answerMaxMs = 15_000;

/** `serverMs`: of its Date header, which has whole seconds; `beforeMs` and `afterMs`: this clock around the request. */
export function judgeClock(serverMs: number, beforeMs: number, afterMs: number): Finding {
  // What the request took, and the part of a second that the header leaves out, are no skew.
  const ahead = Math.max(0, beforeMs - (serverMs + 1_000));
  const behind = Math.max(0, serverMs - afterMs);
  const skew = Math.max(ahead, behind);
  const detail = `this clock is ${(skew / 1_000).toFixed(0)} s ${ahead > behind ? 'ahead of' : 'behind'} the server's`;
  if (skew === 0) return ok("this clock agrees with the server's");
  if (skew < skewWarnMs) return ok(detail);
  const advice = 'set the clock, by network time best; order of changes does not depend on it, logins do';
  return skew < skewFailMs ? warn(detail, advice) : fail(detail, advice);
}

export async function checkClock(server: string, signal: AbortSignal, now: () => number): Promise<Finding> {
  const before = now();
  const within = AbortSignal.any([signal, AbortSignal.timeout(answerMaxMs)]);
  const response = await fetch(`${server}/health`, { redirect: 'error', signal: within });
  await response.arrayBuffer();
  const date = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(date) ? ok('the server tells no time') : judgeClock(date, before, now());
}

export async function checkServer(server: string, signal: AbortSignal): Promise<Finding> {
  const advice = 'check the address, the network and a proxy; work goes on here and is synced later';
  try {
    const configuration = await connectAnonymously(server).configuration(signal);
    const version = configuration.protocol;
    if (version === protocol) return ok(`${server} answers, protocol ${version}`);
    const older = version > protocol ? 'update tide' : 'ask for an update of the server';
    return fail(`${server} speaks protocol ${version}, this is ${protocol}`, older);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return fail(`${server} does not answer: ${error.message}`, advice);
  }
}

/** Tokens are secrets: nobody else may read the file. Windows has no such bits. */
export function checkCredentialFile(configFolder: string, platform: NodeJS.Platform): Finding {
  const file = join(configFolder, 'credentials.json');
  if (platform === 'win32') return ok(file);
  const open = statSync(file).mode & 0o077;
  if (open === 0) return ok(`${file}, for you alone`);
  return warn(`${file} can be read by others on this machine`, `chmod 600 ${JSON.stringify(file)}, and log in again`);
}

export async function checkLogin(
  connection: Connection,
  credential: Credential,
  signal: AbortSignal,
): Promise<Finding> {
  await connection.api.listDevices(signal);
  const ends = new Date(credential.expiresMs).toISOString();
  if (credential.refreshToken !== null) return ok(`as ${credential.user}; accepted, and renewed by itself`);
  return warn(
    `as ${credential.user}; accepted until ${ends}, then nobody is logged in`,
    'use `tide login` again before',
  );
}

const roleAdvice = 'ask an owner of the workspace for the role of an editor: `tide share`';

/** Asked as the folder's device, so that a revoked one is told. */
export async function checkMembership(ask: () => Promise<WorkspaceView>): Promise<Finding> {
  try {
    const { name, role } = await ask();
    if (role === 'viewer') return warn(`${name}, as a viewer: changes here are not sent`, roleAdvice);
    return ok(`${name}, as ${role}`);
  } catch (error) {
    if (isTidemarkError(error, 'revoked')) {
      return fail('this device was revoked; its files stay', '`tide unlink FOLDER`, then `tide link` as a new device');
    }
    if (isTidemarkError(error, 'not-found')) {
      return fail('the workspace is gone, or you are no member of it any more; the files here stay', 'ask its owner');
    }
    throw error;
  }
}
