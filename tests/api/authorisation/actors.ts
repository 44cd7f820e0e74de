/** Everybody who may ask for something in a workspace of ann's, each with a token, and with a device and a session where they had one. */
import { createStaticTokenVerifier } from '../../../shared/adapters/memory/static-token-verifier.ts';
import type { ApiDependencies } from '../../../shared/api/api.ts';
import type { DeviceId, SessionId } from '../../../shared/core/ids.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { memberList, putMemberRequest, workspaceView } from '../../../shared/core/wire/workspace.ts';
import type { WorkspaceRole } from '../../../shared/core/wire/workspace.ts';
import type { Scope } from '../../../shared/ports/token-verifier.ts';
import { call, must } from '../world/calls.ts';
import { TestDevice } from '../world/test-device.ts';
import { type Person, type TestWorld, createTestWorld, userOf } from '../world/test-world.ts';
import { notingWrites } from '../world/write-log.ts';
import { type Subject, createSubject } from './subject.ts';

const all: readonly Scope[] = ['sync.read', 'sync.write', 'sync.admin'];

/** By token: whose it is, and the scopes that it has. */
const tokens: Readonly<Record<string, readonly [user: string, scopes: readonly Scope[]]>> = {
  ann: ['ann', all],
  bob: ['bob', all],
  vic: ['vic', all],
  rita: ['rita', all],
  eve: ['eve', all],
  olga: ['olga', all],
  'ann without sync.read': ['ann', ['sync.write', 'sync.admin']],
  'ann without sync.write': ['ann', ['sync.read', 'sync.admin']],
  'olga without sync.admin': ['olga', ['sync.read', 'sync.write']],
};
const tokenNames = Object.keys(tokens);

export interface Actor {
  /** Null: none is sent. */
  readonly token: string | null;
  readonly deviceId?: DeviceId;
  readonly sessionId?: SessionId;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the workspace was deleted before they ask. */
  readonly afterDeletion?: true;
}

/** In the order of the columns of the table of expectations. */
export const actorNames = [
  'owner',
  'editor',
  'viewer',
  'removed',
  'stranger',
  'operator',
  'nobody',
  'garbage',
  'owner-read',
  'owner-write',
  'operator-admin',
  'revoked',
  'deleted-owner',
  'deleted-editor',
  'deleted-operator',
] as const;
export type ActorName = (typeof actorNames)[number];

export interface MatrixWorld {
  readonly world: TestWorld;
  readonly ann: Subject;
  readonly eve: Subject;
  readonly actors: Readonly<Record<ActorName, Actor>>;
  /** Calls that write, since the world stands. */
  readonly writes: string[];
}

/** A bearer token has no spaces. */
export function bearerOf(token: string): string {
  return token.replaceAll(' ', '-');
}

function withTokens(deps: ApiDependencies): ApiDependencies {
  const callers = tokenNames.map((name) => {
    const [user, scopes] = tokens[name]!;
    return [bearerOf(name), { userId: userOf(user as Person), scopes: new Set(scopes) }] as const;
  });
  return { ...deps, tokens: createStaticTokenVerifier(new Map(callers)) };
}

async function setRole({ api }: TestWorld, { workspaceId }: Subject, name: string, role: WorkspaceRole | null) {
  const path = `/workspaces/${workspaceId}/members/${encodeURIComponent(userOf(name as Person))}`;
  const put = { method: 'PUT', request: [putMemberRequest, { role: role ?? 'viewer' }] } as const;
  const how = role === null ? ({ method: 'DELETE' } as const) : put;
  await must(call(api, { token: 'ann', path, response: memberList, ...how }));
}

async function own(world: TestWorld, { workspaceId }: Subject, name: string): Promise<Actor> {
  const device = await TestDevice.register(world, name as Person, workspaceId, 'their own');
  const opened = await device.openSession([utf8(`to come from ${name}`)]);
  return {
    token: name,
    deviceId: device.deviceId,
    ...(opened.ok ? { sessionId: opened.value.sessionId } : {}),
  };
}

/** ann's workspace with its people, eve with one of her own, and a note of every call that writes from now on. */
export async function createMatrixWorld(): Promise<MatrixWorld> {
  const writes: string[] = [];
  const world = createTestWorld({ adapt: (deps) => notingWrites(withTokens(deps), writes) });
  const ann = await createSubject(world, 'ann');
  const eve = await createSubject(world, 'eve');
  await setRole(world, ann, 'bob', 'editor');
  await setRole(world, ann, 'vic', 'viewer');
  await setRole(world, ann, 'rita', 'editor');
  const [editor, viewer, removed] = [
    await own(world, ann, 'bob'),
    await own(world, ann, 'vic'),
    await own(world, ann, 'rita'),
  ];
  const operator = await own(world, ann, 'olga');
  await setRole(world, ann, 'rita', null);
  const owner: Actor = { token: 'ann', deviceId: ann.deviceId, sessionId: ann.sessionId };
  const lost = { ...owner, deviceId: ann.lostDeviceId, headers: { 'tidemark-device': ann.lostDeviceId } };
  writes.length = 0;
  const actors: Readonly<Record<ActorName, Actor>> = {
    owner,
    editor,
    viewer,
    removed,
    stranger: { token: 'eve', deviceId: eve.deviceId },
    operator,
    nobody: { ...owner, token: null },
    garbage: { ...owner, token: 'eyJub25lIjp0cnVlfQ.e30.' },
    'owner-read': { ...owner, token: 'ann without sync.read' },
    'owner-write': { ...owner, token: 'ann without sync.write' },
    'operator-admin': { ...operator, token: 'olga without sync.admin' },
    revoked: lost,
    'deleted-owner': { ...owner, afterDeletion: true },
    'deleted-editor': { ...editor, afterDeletion: true },
    'deleted-operator': { ...operator, afterDeletion: true },
  };
  return { world, ann, eve, actors, writes };
}

export async function deleteWorkspace({ world, ann, writes }: MatrixWorld): Promise<void> {
  const path = `/workspaces/${ann.workspaceId}`;
  const headers = { 'if-match': '*' };
  await must(call(world.api, { token: 'ann', method: 'DELETE', path, headers, response: workspaceView }));
  writes.length = 0;
}
