/**
 * The message that the queue `quarantine` carries: JSON with exactly these fields, ids as lowercase hex.
 *
 *     {"workspaceId":"…32 hex…","packId":"…64 hex…","blobName":"<ws>/aa/bb/<packId>.blob-<etag>",
 *      "reason":"the pack is corrupt: …","foundMs":1795305600000,"storedBytes":812}
 *
 * A queue is a door: whatever comes out of it is checked as if it came from anyone, and nothing is done on its word alone.
 */
import { TidemarkError } from '../../core/errors.ts';
import { parseDigest, parseWorkspaceId } from '../../core/ids.ts';
import type { QuarantineRecord } from '../../ports/quarantine-store.ts';
import { parseQuarantineName } from './quarantine-name.ts';

const fields = ['workspaceId', 'packId', 'blobName', 'reason', 'foundMs', 'storedBytes'] as const;

/** Characters; reasons are one sentence of ours. */
export const reasonMax = 1_000;

export function encodeQuarantineMessage(record: QuarantineRecord): string {
  return JSON.stringify(record, [...fields]);
}

function refuse(why: string): never {
  throw new TidemarkError('malformed', `the message is no report of a quarantined pack: ${why}`);
}

function textOf(value: unknown, name: string, charactersMax: number): string {
  if (typeof value !== 'string' || value.length < 1 || value.length > charactersMax) refuse(`${name} must be text`);
  return value;
}

function integerOf(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) refuse(`${name} must be a whole number`);
  return value;
}

/** What a host hands over: the text, or what JSON.parse made of it. Throws `malformed` on anything but a whole, consistent message. */
export function decodeQuarantineMessage(raw: unknown): QuarantineRecord {
  const value: unknown = typeof raw === 'string' ? parseJson(raw) : raw;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('it must be an object');
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  if (names.length !== fields.length || !fields.every((field) => Object.hasOwn(members, field))) {
    refuse(`it must have the fields ${fields.join(', ')}`);
  }
  const record: QuarantineRecord = {
    workspaceId: parseWorkspaceId(textOf(members['workspaceId'], 'workspaceId', 32)),
    packId: parseDigest(textOf(members['packId'], 'packId', 64)),
    blobName: textOf(members['blobName'], 'blobName', 1_024),
    reason: textOf(members['reason'], 'reason', reasonMax),
    foundMs: integerOf(members['foundMs'], 'foundMs'),
    storedBytes: integerOf(members['storedBytes'], 'storedBytes'),
  };
  const named = parseQuarantineName(record.blobName);
  if (named?.workspaceId !== record.workspaceId || named.packId !== record.packId) {
    refuse('blobName must be that of the pack');
  }
  return record;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('it must be JSON');
  }
}
