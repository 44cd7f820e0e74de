import { isTidemarkError } from '../../core/errors.ts';
import { decodeJson } from '../../core/wire/json.ts';
import { presenceReport } from '../../core/wire/presence.ts';
import { progressReport } from '../../core/wire/realtime-event.ts';
import type { Schema } from '../../core/wire/schema.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import type { ReportInput } from './connection.ts';
import { seatWidth } from './granted-seats.ts';
import { findInForce } from './seats-in-force.ts';
import { writePresence } from './write-presence.ts';

type ReportNeeds = Needs<'metadata' | 'announcer' | 'clock' | 'log' | 'reportLimiter'>;

/** Of a report as JSON text: some 130 characters for each of `realtimeSeatsMax` folders, with room. */
const reportCharactersMax = 16_384;

/**
 * What became of a report. `flood`: there were too many of this connection, and nothing was read of it; `malformed`: it is none;
 * `expelled`: the connection may not have its seats any more and was ended; `foreign`: it is about what is not the connection's.
 */
export type ReportOutcome = 'taken' | 'flood' | 'malformed' | 'expelled' | 'foreign';

/** A device tells what its folders do. What it says of folders that are no seats of the connection is not heard. */
export async function reportPresence(deps: ReportNeeds, input: ReportInput): Promise<ReportOutcome> {
  const report = readReport(deps, presenceReport, input);
  if (typeof report === 'string') return report;
  const inForce = await findInForce(deps, input.connection);
  if (inForce === undefined) return 'expelled';
  const stateOf = new Map(report.folders.map((folder) => [folder.workspaceId + folder.deviceId, folder.state]));
  const nowMs = serverTimeMs(deps.clock);
  const said = await concurrently(inForce.seats, seatWidth, async ({ workspaceId, deviceId, device }) => {
    const word = stateOf.get(workspaceId + deviceId);
    if (word === undefined) return false;
    const before = await deps.metadata.presence.get(workspaceId, deviceId, nowMs);
    await writePresence(deps, inForce, { workspaceId, deviceId, name: device.name, before, word });
    return true;
  });
  return said.includes(true) ? 'taken' : 'foreign';
}

/**
 * A device tells how far an upload is, for others of the workspace to see. Only of a session that a seat's device opened: then it is the
 * user's too. Nobody learns whether others have such a session, for nothing answers.
 */
export async function reportProgress(deps: ReportNeeds, input: ReportInput): Promise<ReportOutcome> {
  const report = readReport(deps, progressReport, input);
  if (typeof report === 'string') return report;
  const inForce = await findInForce(deps, input.connection);
  if (inForce === undefined) return 'expelled';
  const { workspaceId, sessionId, percent } = report;
  const seats = inForce.seats.filter((seat) => seat.workspaceId === workspaceId);
  if (seats.length === 0) return 'foreign';
  const session = await deps.metadata.sessions.get(workspaceId, sessionId, serverTimeMs(deps.clock));
  const seat = seats.find(({ deviceId }) => deviceId === session?.deviceId);
  if (seat === undefined) return 'foreign';
  const { deviceId } = seat;
  await deps.announcer.announce({ kind: 'progress', workspaceId, deviceId, sessionId, percent });
  return 'taken';
}

/** A flood costs a look into a table of this process. */
function readReport<Report extends object>(
  deps: Pick<ReportNeeds, 'clock' | 'reportLimiter'>,
  schema: Schema<Report>,
  { connection, data }: ReportInput,
): Report | 'flood' | 'malformed' {
  if (!deps.reportLimiter.take(connection.connectionId, deps.clock.now()).allowed) return 'flood';
  try {
    return typeof data === 'string' ? decodeJson(schema, data, reportCharactersMax) : schema.fromJson(data, '');
  } catch (error) {
    if (isTidemarkError(error)) return 'malformed';
    throw error;
  }
}
