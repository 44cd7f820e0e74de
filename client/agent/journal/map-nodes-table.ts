/** Nodes of the workspace's Merkle map, by hash. Readers of the map check each against its hash. */
import { type Digest, bytesToDigest } from '../../../shared/core/ids.ts';
import { decodeMapNode, emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import type { Database } from './database.ts';
import { bytesOf, numberOf } from './rows.ts';

export class MapNodesTable implements NodeSource {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  #get(hash: Digest): Uint8Array | undefined {
    const row = this.#db.get('SELECT bytes FROM map_nodes WHERE hash = ?', hash);
    return row === undefined ? undefined : bytesOf(row, 'bytes');
  }

  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(hashes.map((hash) => this.#get(hash)));
  }

  add(nodes: ReadonlyMap<Digest, Uint8Array>): void {
    for (const [hash, bytes] of nodes) {
      this.#db.run('INSERT OR IGNORE INTO map_nodes (hash, bytes) VALUES (?, ?)', hash, bytes);
    }
  }

  count(): number {
    const row = this.#db.get('SELECT count(*) AS n FROM map_nodes');
    return row === undefined ? 0 : numberOf(row, 'n');
  }

  /**
   * Drops every node that no map of these roots has. Returns how many. Walks those maps: what is reachable is written down in
   * a temporary table, so memory stays that of one level's part.
   */
  compact(roots: readonly Digest[]): number {
    return this.#db.transaction(() => {
      this.#db.exec(
        'CREATE TEMP TABLE IF NOT EXISTS reached (hash TEXT PRIMARY KEY) WITHOUT ROWID; DELETE FROM reached',
      );
      const pending: Digest[] = [...roots];
      for (let hash = pending.pop(); hash !== undefined; hash = pending.pop()) {
        if (hash === emptyMapRoot || this.#db.run('INSERT OR IGNORE INTO reached VALUES (?)', hash) === 0) continue;
        const bytes = this.#get(hash);
        const node = bytes === undefined ? undefined : decodeMapNode(bytes);
        if (node === undefined || node.level === 0) continue;
        for (const value of node.values) pending.push(bytesToDigest(value));
      }
      const dropped = this.#db.run('DELETE FROM map_nodes WHERE hash NOT IN (SELECT hash FROM reached)');
      this.#db.exec('DELETE FROM reached');
      return dropped;
    });
  }
}
