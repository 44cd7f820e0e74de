/** Who is connected to a hub: by id, by user and by group. A group is there while somebody is in it. */
import type { Connection } from './connection.ts';

function addTo(sets: Map<string, Set<Connection>>, name: string, connection: Connection): void {
  const set = sets.get(name);
  if (set === undefined) sets.set(name, new Set([connection]));
  else set.add(connection);
}

function removeFrom(sets: Map<string, Set<Connection>>, name: string, connection: Connection): void {
  const set = sets.get(name);
  if (set?.delete(connection) === true && set.size === 0) sets.delete(name);
}

const nobody: ReadonlySet<Connection> = new Set();

export class Hub {
  readonly #connections = new Map<string, Connection>();
  readonly #users = new Map<string, Set<Connection>>();
  readonly #groups = new Map<string, Set<Connection>>();
  readonly #groupsPerConnectionMax: number;

  constructor(groupsPerConnectionMax: number) {
    this.#groupsPerConnectionMax = groupsPerConnectionMax;
  }

  add(connection: Connection): void {
    const { connectionId, userId } = connection.identity;
    this.#connections.set(connectionId, connection);
    if (userId !== undefined) addTo(this.#users, userId, connection);
  }

  remove(connection: Connection): void {
    const { connectionId, userId } = connection.identity;
    this.#connections.delete(connectionId);
    if (userId !== undefined) removeFrom(this.#users, userId, connection);
    this.leaveAll(connection);
  }

  get(connectionId: string): Connection | undefined {
    return this.#connections.get(connectionId);
  }

  all(): Iterable<Connection> {
    return this.#connections.values();
  }

  get size(): number {
    return this.#connections.size;
  }

  ofUser(userId: string): ReadonlySet<Connection> {
    return this.#users.get(userId) ?? nobody;
  }

  inGroup(group: string): ReadonlySet<Connection> {
    return this.#groups.get(group) ?? nobody;
  }

  /** False: it is in as many groups as it may be. */
  join(connection: Connection, group: string): boolean {
    if (connection.hasEnded || connection.groups.has(group)) return true;
    if (connection.groups.size >= this.#groupsPerConnectionMax) return false;
    connection.groups.add(group);
    addTo(this.#groups, group, connection);
    return true;
  }

  leave(connection: Connection, group: string): void {
    if (connection.groups.delete(group)) removeFrom(this.#groups, group, connection);
  }

  leaveAll(connection: Connection): void {
    for (const group of connection.groups) this.leave(connection, group);
  }
}
