/** What the endpoint did since it started. */
export interface Counters {
  /** Connections that were opened. */
  opened: number;
  recovered: number;
  /** Refused before the upgrade, of any reason. */
  refused: number;
  ended: number;
  /** Messages of clients. */
  received: number;
  /** Messages to connections, each receiver counted. */
  sent: number;
  /** Connections ended for sending too much. */
  shedFloods: number;
  /** Connections ended for reading too slowly. */
  shedSlow: number;
}

export function createCounters(): Counters {
  return { opened: 0, recovered: 0, refused: 0, ended: 0, received: 0, sent: 0, shedFloods: 0, shedSlow: 0 };
}
