/**
 * The agent's journal: one SQLite file for each synced folder. Tables, each with one file of code:
 *
 *     meta        one value for each name: identity, pinned keys, head, the mark of `synced`
 *     synced      the merge base: nodes that were last equal here and on the server, with what lstat then said
 *     local       what differs from `synced` on this disk: a whole node, or present = 0 for one that is gone; and present = 2 for
 *                 one that this device chose not to have
 *     excluded    what the user chose not to have on this device: with each node all that is under it
 *     remote      what differs from `synced` on the server: a placed entry, or entry null for one that is gone
 *     found       findings of a scan that has not ended: the scan must not see its own
 *     marked      rows of `synced` as they were at its last mark, of those changed since: the mark follows from them
 *     contents    chunk lists of contents of more than one chunk
 *     sha256      SHA-256 of contents, where the workspace asks for it
 *     map_nodes   nodes of the workspace's Merkle map
 *     outbox      commits that were decided on and are not answered yet
 *     intents     what is about to be changed on the disk: after a crash nothing there is taken for the user's doing
 *     conflicts   conflict copies that came to be here, for people
 *
 * Names in a folder are unique in each of the three trees, but not in the table `synced` while they differ: there each node
 * is at the place where it was last agreed on. So the index on (parent_id, name) is not a unique one.
 *
 * Ids and digests are hex text; stat values are REAL, which is exactly what lstat gave (inodes may pass 2^53).
 */

/** Counts up with every change of the tables; a journal of another version is lost, and the folder starts anew. */
export const schemaVersion = 1;

/**
 * The version of a journal in which something was excluded once. An agent that knows nothing of that would take what is excluded
 * for deleted: to it, this journal is of another version.
 */
export const schemaVersionWithExcluded = 2;

const statColumns = `
  size REAL NOT NULL, mtime_ms REAL NOT NULL, ctime_ms REAL NOT NULL, ino REAL NOT NULL, dev REAL NOT NULL,
  mode REAL NOT NULL`;

const localColumns = `
  node_id TEXT PRIMARY KEY, present INTEGER NOT NULL, parent_id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  content TEXT, target TEXT, ${statColumns}`;

/** Made in a journal of an earlier agent when it is opened: nothing else changed for it. */
export const sha256Table = `
CREATE TABLE IF NOT EXISTS sha256 (content TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;`;

/** The same. Both indexes keep what is unselected, which may be most of the workspace, out of the way of the rest. */
export const excludedTable = `
CREATE TABLE IF NOT EXISTS excluded (node_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS local_changed ON local (node_id) WHERE present < 2;
CREATE INDEX IF NOT EXISTS local_unselected ON local (node_id) WHERE present = 2;`;

export const schema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE synced (
  node_id TEXT PRIMARY KEY, parent_id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, entry BLOB NOT NULL,
  content TEXT, ${statColumns}) WITHOUT ROWID;
CREATE INDEX synced_place ON synced (parent_id, name);
CREATE INDEX synced_inode ON synced (ino, dev);
CREATE INDEX synced_content ON synced (content) WHERE content IS NOT NULL;
CREATE TABLE local (${localColumns}) WITHOUT ROWID;
CREATE INDEX local_place ON local (parent_id, name);
CREATE INDEX local_inode ON local (ino, dev);
CREATE INDEX local_content ON local (content) WHERE content IS NOT NULL;
CREATE TABLE found (${localColumns}) WITHOUT ROWID;
CREATE TABLE remote (
  node_id TEXT PRIMARY KEY, parent_id TEXT, name TEXT, kind TEXT, entry BLOB, content TEXT) WITHOUT ROWID;
CREATE INDEX remote_place ON remote (parent_id, name);
CREATE INDEX remote_content ON remote (content) WHERE content IS NOT NULL;
CREATE TABLE marked (node_id TEXT PRIMARY KEY, parent_id TEXT, name TEXT, entry BLOB) WITHOUT ROWID;
CREATE TABLE contents (
  root TEXT PRIMARY KEY, profile INTEGER NOT NULL, size REAL NOT NULL, lengths BLOB NOT NULL, hashes BLOB NOT NULL);
${sha256Table}
CREATE TABLE map_nodes (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, body BLOB NOT NULL, checksum TEXT NOT NULL);
CREATE TABLE intents (
  node_id TEXT PRIMARY KEY, path TEXT NOT NULL, content TEXT, size REAL NOT NULL, mtime_ms REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE conflicts (
  node_id TEXT PRIMARY KEY, of_id TEXT NOT NULL, name TEXT NOT NULL, clock_ms REAL NOT NULL) WITHOUT ROWID;
${excludedTable}
PRAGMA user_version = ${schemaVersion};
`;
