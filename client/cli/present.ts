/** Who is in a workspace: asked for itself, and by commands to which that is a side matter. */
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import type { PresenceList } from '../../shared/core/wire/presence.ts';
import type { FolderStatus } from './actions/status.ts';
import { connect } from './connection.ts';
import { uploadsAction } from './actions/uploads.ts';
import type { CliContext } from './context.ts';
import { type ShownDevice, toShownDevices } from './presence-lines.ts';
import { askAside } from './run-action.ts';

/** Nobody waits longer than this for what is beside the point. */
const answerMaxMs = 3_000;

/** `ask`: of a workspace that is there. Throws `unsupported` where the server knows of no presence. */
export async function askWho(ask: () => Promise<PresenceList>): Promise<PresenceList['devices']> {
  try {
    return (await ask()).devices;
  } catch (cause) {
    if (!isTidemarkError(cause, 'not-found')) throw cause;
    const detail = 'the server does not tell who is there: it is older than this client';
    throw new TidemarkError('unsupported', detail, { cause });
  }
}

type FolderAsked = Pick<FolderStatus, 'folder' | 'server' | 'workspaceId' | 'deviceId' | 'online'>;

/** Null when it cannot be told: the server is away, slow, or older than presence. Throws nothing but the reason of the context's signal. */
export async function findPresent(
  context: CliContext,
  { folder, server, workspaceId, deviceId, online }: FolderAsked,
): Promise<readonly ShownDevice[] | null> {
  if (!online) return null;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(answerMaxMs)]);
  try {
    const [{ devices }, uploads] = await Promise.all([
      connect(context, server, deviceId).api.listPresence(workspaceId, signal),
      askAside(context, folder, uploadsAction),
    ]);
    return toShownDevices(devices, deviceId, uploads);
  } catch {
    context.signal.throwIfAborted();
    return null;
  }
}
