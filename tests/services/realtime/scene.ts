/** A service with people in a workspace, connections of theirs, and a note of all that was announced and ended. */
import type { ApiDependencies } from '../../../shared/api/api.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import { groupOfWorkspace, roleOfGroup } from '../../../shared/ports/notifier.ts';
import type { Announcer } from '../../../shared/services/realtime/announcer.ts';
import { connect } from '../../../shared/services/realtime/connect.ts';
import type { ConnectAnswer, Connection } from '../../../shared/services/realtime/connection.ts';
import { encodeSeats } from '../../../shared/services/realtime/seats.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { type Person, type TestWorld, createTestWorld, userOf } from '../../api/world/test-world.ts';

export interface Told {
  readonly events: RealtimeEvent[];
  readonly expelled: string[];
}

function notingAnnouncer({ events, expelled }: Told): Announcer {
  return {
    announce: async (event) => void events.push(event),
    expelUser: async (userId) => void expelled.push(`user ${userId}`),
    expelAll: async (workspaceId) => void expelled.push(`all ${workspaceId}`),
    expelConnection: async (connectionId) => void expelled.push(`connection ${connectionId}`),
  };
}

export interface Scene {
  readonly world: TestWorld;
  readonly told: Told;
  readonly ws: WorkspaceId;
  /** ann owns the workspace, bob is an editor of it, eve has one of her own. */
  readonly ann: TestDevice;
  readonly bob: TestDevice;
  readonly eve: TestDevice;
}

export async function setScene(adapt: (deps: ApiDependencies) => ApiDependencies = (deps) => deps): Promise<Scene> {
  const told: Told = { events: [], expelled: [] };
  const world = createTestWorld({ adapt: (deps) => adapt({ ...deps, announcer: notingAnnouncer(told) }) });
  const { workspaceId: ws } = await createWorkspaceAs(world, 'ann');
  await clientOf(world, 'ann').putMember(ws, { userId: userOf('bob'), role: 'editor' }, null);
  const eves = await createWorkspaceAs(world, 'eve');
  const ann = await TestDevice.register(world, 'ann', ws, 'laptop');
  const bob = await TestDevice.register(world, 'bob', ws, 'phone');
  const eve = await TestDevice.register(world, 'eve', eves.workspaceId, 'tablet');
  told.events.length = told.expelled.length = 0;
  return { world, told, ws, ann, bob, eve };
}

export function seatOf({ workspaceId, deviceId }: Seat): Seat {
  return { workspaceId, deviceId };
}

export function rolesOf(...seats: readonly Seat[]): string[] {
  return [...new Set(seats.map(({ workspaceId }) => roleOfGroup(groupOfWorkspace(workspaceId))))];
}

/** What the service says of somebody who comes with these seats in the URL, and a token for the workspaces of these. */
export function knock(
  world: TestWorld,
  person: Person,
  seats: readonly Seat[],
  inToken = seats,
): Promise<ConnectAnswer> {
  return connect(world.deps, {
    userHeader: userOf(person),
    claims: { role: rolesOf(...inToken), sub: [userOf(person)] },
    query: { seats: [encodeSeats(seats)], access_token: [''] },
  });
}

/** A connection of somebody, let in now. */
export async function letIn(
  world: TestWorld,
  person: Person,
  connectionId: string,
  ...seats: readonly Seat[]
): Promise<Connection> {
  const answer = await knock(world, person, seats.map(seatOf));
  if (answer.kind === 'refused') throw new Error(`${person} was refused: ${answer.why}`);
  return { connectionId, userHeader: userOf(person), states: answer.states };
}
