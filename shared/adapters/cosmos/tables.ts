/** All containers of a database, and how a store's call begins. */
import type { CosmosClient } from '@azure/cosmos';
import { type ContainerName, containerNames } from './containers.ts';
import { Sessions } from './request-session.ts';
import { Table } from './table.ts';

export interface Tables extends Readonly<Record<ContainerName, Table>> {
  readonly sessionsOf: Sessions;
  /** Runs one call of a store: its steps see one another, whether in a request's session or not. */
  readonly attempt: <Value>(work: () => Promise<Value>) => Promise<Value>;
}

export function openTables(client: CosmosClient, database: string, deadlineMs: number): Tables {
  const sessions = new Sessions();
  const tables = containerNames.map((name) => {
    const container = client.database(database).container(name);
    return [name, new Table(container, name, sessions, deadlineMs)] as const;
  });
  return {
    ...(Object.fromEntries(tables) as Record<ContainerName, Table>),
    sessionsOf: sessions,
    attempt: (work) => sessions.ensure(work),
  };
}
