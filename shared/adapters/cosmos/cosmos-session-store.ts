import { TidemarkError } from '../../core/errors.ts';
import { parseDeviceId, parseDigestColumn, parseSessionId, parseUserId, parseWorkspaceId } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SessionRecord, SessionStore } from '../../ports/metadata-store.ts';
import { bytesOf, bytesToText, integerOf, textOf, ttlOf } from './document.ts';
import { sweepExpired } from './expired.ts';
import type { Fields } from './table.ts';
import type { Tables } from './tables.ts';

function fieldsToSession(fields: Fields): SessionRecord {
  return {
    sessionId: parseSessionId(textOf(fields, 'sessionId')),
    workspaceId: parseWorkspaceId(textOf(fields, 'workspaceId')),
    userId: parseUserId(textOf(fields, 'userId')),
    deviceId: parseDeviceId(textOf(fields, 'deviceId')),
    createdMs: integerOf(fields, 'createdMs'),
    expiresMs: integerOf(fields, 'expiresMs'),
    packs: parseDigestColumn(bytesOf(fields, 'packs')),
  };
}

/** `create` throws `conflict` when the workspace has a session of this id. */
export function createCosmosSessionStore({ sessions, attempt }: Tables, clock: Clock): SessionStore {
  return {
    create: (session) =>
      attempt(async () => {
        const result = await sessions.create({
          pk: session.workspaceId,
          id: session.sessionId,
          ...session,
          packs: bytesToText(session.packs),
          ttl: ttlOf(session.expiresMs, clock.now()),
        });
        if (result === 'exists') throw new TidemarkError('conflict', 'this session id is taken');
      }),
    get: (workspaceId, sessionId, nowMs) =>
      attempt(async () => {
        const found = await sessions.read(workspaceId, sessionId);
        const session = found && fieldsToSession(found.fields);
        return session !== undefined && session.expiresMs > nowMs ? session : undefined;
      }),
    sweep: (nowMs) => attempt(() => sweepExpired(sessions, nowMs, () => true)),
  };
}
