/**
 * `node bench/event-size.ts`: bytes of each kind of realtime event, as JSON and as msgpack: alone, in the frame of the JSON subprotocol that
 * brings them to a client, and with the head that RFC 6455 puts before a frame of a server. Sizes depend on no machine.
 */
import { encodeMessage, withSequenceId } from '../local/web-pubsub/json-protocol.ts';
import { utf8 } from '../shared/core/bytes.ts';
import { blake3Digest } from '../shared/core/hash/blake3.ts';
import { parseDeviceId, parseSessionId, parseUserId, parseWorkspaceId } from '../shared/core/ids.ts';
import {
  type RealtimeEvent,
  decodeRealtimeEvent,
  encodeRealtimeEvent,
  groupOfWorkspace,
  realtimeEvent,
} from '../shared/core/wire/realtime-event.ts';
import { type Cell, figure, printTable } from './table.ts';

const idOf = (name: string): string => blake3Digest(utf8(name)).slice(0, 32);
const workspaceId = parseWorkspaceId(idOf('workspace'));
const deviceId = parseDeviceId(idOf('device'));
/** As long as the subject of an identity of Entra ID with its issuer's host. */
const userId = parseUserId('login.microsoftonline.com|AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ');
/** Of a connection that has lasted a while. */
const sequenceId = 100_000;

const events: Readonly<Record<string, RealtimeEvent>> = {
  commit: { kind: 'commit', workspaceId, seq: 123_456, root: blake3Digest(utf8('root')), deviceId },
  progress: { kind: 'progress', workspaceId, deviceId, sessionId: parseSessionId(idOf('session')), percent: 42 },
  presence: { kind: 'presence', workspaceId, userId, deviceId, state: 'syncing' },
};

/** A head of two bytes up to 125 bytes, of four up to 65,535. */
function onTheWire(frame: string): number {
  const bytes = Buffer.byteLength(frame);
  return bytes + (bytes < 126 ? 2 : 4);
}

function framed(payload: Parameters<typeof encodeMessage>[1]): number {
  return onTheWire(
    withSequenceId(sequenceId, encodeMessage({ from: 'group', group: groupOfWorkspace(workspaceId) }, payload)),
  );
}

function cellsOf([row, event]: readonly [string, RealtimeEvent]): readonly Cell[] {
  const json = JSON.stringify(realtimeEvent.toJson(event));
  const bytes = Buffer.from(encodeRealtimeEvent(event));
  // What is measured is what clients read.
  decodeRealtimeEvent(bytes);
  realtimeEvent.fromJson(JSON.parse(json), '');
  const columns = {
    JSON: Buffer.byteLength(json),
    msgpack: bytes.length,
    'as base64': bytes.toString('base64').length,
    'JSON, framed': framed({ dataType: 'json', json }),
    'msgpack, framed': framed({ dataType: 'binary', bytes }),
  };
  return Object.entries(columns).map(([column, size]) => ({ row, column, text: figure(size) }));
}

printTable('Realtime events: bytes', Object.entries(events).flatMap(cellsOf));
