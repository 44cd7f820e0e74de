/**
 * The message that the queue `unsettled` carries: JSON with exactly these fields, ids as lowercase hex; `sessionId` only of a pack
 * that was told of in `staging`.
 *
 *     {"workspaceId":"…32 hex…","packId":"…64 hex…","sessionId":"…32 hex…"}
 *
 * It names where to look and nothing of what was found there, so a message that is late, doubled or made up makes somebody look
 * once more, and that is all.
 */
import { TidemarkError } from '../../core/errors.ts';
import { type SessionId, parseDigest, parseSessionId, parseWorkspaceId } from '../../core/ids.ts';
import type { NamedPack } from '../verify-pack.ts';

/** A pack in `chunks`, or one in `staging` when it has a session. */
export interface UnsettledPack extends NamedPack {
  readonly sessionId?: SessionId;
}

const required = ['workspaceId', 'packId'] as const;
const fields: readonly string[] = [...required, 'sessionId'];

export function encodeUnsettledMessage(pack: UnsettledPack): string {
  return JSON.stringify(pack, [...fields]);
}

function refuse(why: string): never {
  throw new TidemarkError('malformed', `the message names no pack to be settled: ${why}`);
}

/** What a host hands over: the text, or what JSON.parse made of it. Throws `malformed` on anything but a whole message. */
export function decodeUnsettledMessage(raw: unknown): UnsettledPack {
  const value: unknown = typeof raw === 'string' ? parseJson(raw) : raw;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('it must be an object');
  const members = value as Readonly<Record<string, unknown>>;
  if (!Object.keys(members).every((name) => fields.includes(name))) refuse(`its fields are ${fields.join(', ')}`);
  if (!required.every((name) => Object.hasOwn(members, name))) refuse(`it must have ${required.join(' and ')}`);
  const pack = {
    workspaceId: parseWorkspaceId(textOf(members, 'workspaceId')),
    packId: parseDigest(textOf(members, 'packId')),
  };
  if (!Object.hasOwn(members, 'sessionId')) return pack;
  return { ...pack, sessionId: parseSessionId(textOf(members, 'sessionId')) };
}

function textOf(members: Readonly<Record<string, unknown>>, name: string): string {
  const value = members[name];
  return typeof value === 'string' ? value : refuse(`${name} must be text`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('it must be JSON');
  }
}
