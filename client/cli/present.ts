/** Who is in the workspace of a linked folder, for commands to which that is a side matter. */
import type { FolderStatus } from './actions/status.ts';
import { connect } from './connection.ts';
import type { CliContext } from './context.ts';
import { type ShownDevice, toShownDevices } from './presence-lines.ts';

/** Nobody waits longer than this for what is beside the point. */
const answerMaxMs = 3_000;

/** Null when it cannot be told: the server is away, slow, or older than presence. Throws nothing but the reason of the context's signal. */
export async function findPresent(
  context: CliContext,
  { server, workspaceId, deviceId, online }: Pick<FolderStatus, 'server' | 'workspaceId' | 'deviceId' | 'online'>,
): Promise<readonly ShownDevice[] | null> {
  if (!online) return null;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(answerMaxMs)]);
  try {
    const { devices } = await connect(context, server, deviceId).api.listPresence(workspaceId, signal);
    return toShownDevices(devices, deviceId);
  } catch {
    context.signal.throwIfAborted();
    return null;
  }
}
