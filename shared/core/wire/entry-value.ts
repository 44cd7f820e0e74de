/**
 * An entry of the tree in a message. On the wire it is its canonical bytes (tree/entry.ts), which hash into the tree, so that nobody
 * encodes it twice; in JSON it is an object that a person can read.
 *
 *     { "kind": "file", "nodeId": "2a…", "version": [["d1…", 3]], "mtimeMs": 1795305600000, "mode": 0, "size": 5,
 *       "content": "ea8f163d…" }
 */
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Entry, decodeEntry, encodeEntry, executableBits } from '../tree/entry.ts';
import {
  type Schema,
  bits,
  bytes,
  digest,
  integer,
  message,
  nodeId,
  optional,
  refuse,
  text,
  variant,
} from './schema.ts';
import { version } from './version.ts';

const common = {
  nodeId,
  version,
  mtimeMs: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  mode: bits(executableBits),
};

const file = message('FileEntry', {
  ...common,
  size: integer(0, limits.fileBytesMax),
  content: digest,
  sha256: optional(digest),
});
const folder = message('FolderEntry', common);
const symlink = message('SymlinkEntry', { ...common, target: text(limits.linkBytesMax) });

/** The JSON form only: on the wire an entry is its bytes. */
const readable = variant({ file, folder, symlink });

type Readable = ReturnType<typeof readable.fromJson>;

function toReadable(entry: Entry): Readable {
  return entry.kind === 'file' ? { ...entry, sha256: entry.sha256 ?? null } : entry;
}

function toEntry(value: Readable): Entry {
  if (value.kind !== 'file') return value;
  const { sha256, ...file } = value;
  return sha256 === null ? file : { ...file, sha256 };
}

const raw = bytes(limits.mapValueBytesMax);

/** The bytes of an entry. The wire's decoder bounds them only: whoever uses them decodes them. */
export const entryValue: Schema<Uint8Array> = {
  form: `entry(${limits.mapValueBytesMax})`,
  jsonSchema: readable.jsonSchema,
  toWire: raw.toWire,
  fromWire: raw.fromWire,
  toJson: (value) => readable.toJson(toReadable(decodeEntry(value))),
  fromJson: (value, path) => {
    try {
      return encodeEntry(toEntry(readable.fromJson(value, path)));
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'malformed') throw error;
      return refuse(path, 'an entry');
    }
  },
};
