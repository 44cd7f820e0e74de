/** The examples of docs/protocol.md about realtime, as the code gives them. */
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { parseDeviceId, parseSessionId, parseUserId, parseWorkspaceId } from '../../shared/core/ids.ts';
import { encodeJson } from '../../shared/core/wire/json.ts';
import { presenceReport } from '../../shared/core/wire/presence.ts';
import { encodeRealtimeEvent, progressReport } from '../../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace, roleOfGroup } from '../../shared/ports/notifier.ts';
import { encodeSeats } from '../../shared/services/realtime/seats.ts';

const workspaceId = parseWorkspaceId('aa'.repeat(16));
const deviceId = parseDeviceId('dd'.repeat(16));
const sessionId = parseSessionId('55'.repeat(16));
const userId = parseUserId('127.0.0.1|ann');

export function realtimeExamples(): Readonly<Record<string, Uint8Array | string>> {
  const root = blake3Digest(utf8('hello'));
  return {
    'realtime-role': roleOfGroup(groupOfWorkspace(workspaceId)),
    'realtime-seats': encodeSeats([{ workspaceId, deviceId }]),
    'realtime-commit': encodeRealtimeEvent({ kind: 'commit', workspaceId, seq: 1, root, deviceId }),
    'realtime-progress': encodeRealtimeEvent({ kind: 'progress', workspaceId, deviceId, sessionId, percent: 40 }),
    'realtime-presence': encodeRealtimeEvent({ kind: 'presence', workspaceId, userId, deviceId, state: 'syncing' }),
    'realtime-presence-report': encodeJson(presenceReport, { folders: [{ workspaceId, deviceId, state: 'idle' }] }),
    'realtime-progress-report': encodeJson(progressReport, { workspaceId, sessionId, percent: 40 }),
  };
}
