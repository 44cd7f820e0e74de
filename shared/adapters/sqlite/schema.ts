/**
 * The tables of the metadata file, as a list of steps: `user_version` counts the steps that a file has taken. A step never
 * changes once it has been released; a change of the schema is another step at the end.
 *
 * Ids and digests are BLOBs, times milliseconds since 1970. Tables whose rows are small and found by their key are WITHOUT
 * ROWID; those that hold larger bytes are not, because SQLite wants such rows out of the key's tree. A chunk names its pack
 * by a small integer instead of 32 bytes more.
 */
export const schemaSteps: readonly string[] = [
  `
  CREATE TABLE workspaces (
    workspace BLOB PRIMARY KEY, name TEXT NOT NULL, mode TEXT NOT NULL, policy TEXT NOT NULL, region TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE members (
    workspace BLOB NOT NULL REFERENCES workspaces, position INTEGER NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL,
    PRIMARY KEY (workspace, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_user ON members (user);

  CREATE TABLE devices (
    device BLOB PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sessions (
    session BLOB NOT NULL UNIQUE, workspace BLOB NOT NULL, user TEXT NOT NULL, device BLOB NOT NULL,
    created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, packs BLOB NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

  CREATE TABLE packs (
    id INTEGER PRIMARY KEY, workspace BLOB NOT NULL, pack BLOB NOT NULL, stored_bytes INTEGER NOT NULL, etag TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL, UNIQUE (workspace, pack)
  ) STRICT;
  CREATE TABLE chunks (
    workspace BLOB NOT NULL, hash BLOB NOT NULL, pack INTEGER NOT NULL REFERENCES packs, frame_offset INTEGER NOT NULL,
    frame_stored INTEGER NOT NULL, frame_raw INTEGER NOT NULL, codec INTEGER NOT NULL, offset INTEGER NOT NULL,
    length INTEGER NOT NULL, PRIMARY KEY (workspace, hash)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE objects (
    workspace BLOB NOT NULL, kind INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (workspace, kind, hash)
  ) STRICT;

  CREATE TABLE heads (
    workspace BLOB PRIMARY KEY, seq INTEGER NOT NULL, root BLOB NOT NULL, chain BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE journal (
    workspace BLOB NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL, edits_hash BLOB, UNIQUE (workspace, seq)
  ) STRICT;
  CREATE TABLE requests (
    workspace BLOB NOT NULL, request BLOB NOT NULL, body_hash BLOB NOT NULL, answer BLOB NOT NULL,
    expires_ms INTEGER NOT NULL, UNIQUE (workspace, request)
  ) STRICT;
  CREATE INDEX requests_by_expiry ON requests (expires_ms);
  `,
  // What was there before is a workspace of version 1 without a bound; a head whose time and tally the next commit tells.
  `
  ALTER TABLE workspaces ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE workspaces ADD COLUMN deleted_ms INTEGER;
  ALTER TABLE workspaces ADD COLUMN files_max INTEGER;
  ALTER TABLE workspaces ADD COLUMN bytes_max INTEGER;
  ALTER TABLE workspaces ADD COLUMN sha256 INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE devices ADD COLUMN revoked_ms INTEGER;
  CREATE INDEX devices_by_user ON devices (user);

  ALTER TABLE heads ADD COLUMN time_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE heads ADD COLUMN files INTEGER;
  ALTER TABLE heads ADD COLUMN bytes INTEGER;

  CREATE INDEX sessions_by_workspace ON sessions (workspace);
  CREATE INDEX chunks_by_pack ON chunks (pack);

  CREATE TABLE projections (workspace BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE versions (
    workspace BLOB NOT NULL, node BLOB NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL, user TEXT NOT NULL,
    device BLOB NOT NULL, parent BLOB, name TEXT, entry BLOB, UNIQUE (workspace, node, seq)
  ) STRICT;

  CREATE TABLE quarantine (
    workspace BLOB NOT NULL, blob TEXT NOT NULL, pack BLOB NOT NULL, reason TEXT NOT NULL, stored_bytes INTEGER NOT NULL,
    found_ms INTEGER NOT NULL, UNIQUE (workspace, blob)
  ) STRICT;
  CREATE INDEX quarantine_by_pack ON quarantine (workspace, pack, found_ms);

  CREATE TABLE leases (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch INTEGER NOT NULL, expires_ms INTEGER NOT NULL, cursor TEXT
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE presence (
    workspace BLOB NOT NULL, device BLOB NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    connection TEXT NOT NULL, opened_ms INTEGER NOT NULL, since_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL, PRIMARY KEY (workspace, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX presence_by_seen ON presence (workspace, seen_ms);
  CREATE INDEX presence_by_expiry ON presence (expires_ms);
  `,
];
