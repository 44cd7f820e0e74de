/**
 * Chunking profiles: how a file is cut. The id is recorded in every manifest; a table entry never changes its meaning.
 * Small chunks find more that is unchanged, large ones cost less bookkeeping: text gets the smallest. Whatever the
 * content, no choice made here cuts a file into more than `manifestChunksMax` chunks.
 */
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { looksLikeDocument, looksPaged } from './content-kind.ts';
import { type CutParams, cutParams } from './cut.ts';

export type ProfileId = 1 | 2 | 3 | 4 | 5 | 6;

export interface ChunkProfile {
  readonly id: ProfileId;
  readonly name: string;
  /** FastCDC's parameters; undefined cuts every `maxBytes`, at fixed places. */
  readonly content: CutParams | undefined;
  /** No chunk is longer. */
  readonly maxBytes: number;
  /** File sizes that the profile is for, both inclusive. */
  readonly fileBytesMin: number;
  readonly fileBytesMax: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

/**
 * Normalization level of all profiles: chunk sizes gather round the average without losing resynchronisation after an
 * edit.
 */
const level = 1;

type Range = readonly [fileBytesMin: number, fileBytesMax: number];

function byContent(id: ProfileId, name: string, min: number, avg: number, max: number, range: Range): ChunkProfile {
  const content = cutParams(min, avg, max, level);
  return { id, name, content, maxBytes: max, fileBytesMin: range[0], fileBytesMax: range[1] };
}

function fixed(id: ProfileId, name: string, maxBytes: number, range: Range): ChunkProfile {
  return { id, name, content: undefined, maxBytes, fileBytesMin: range[0], fileBytesMax: range[1] };
}

export const profiles = {
  document: byContent(1, 'document', 4 * KiB, 16 * KiB, 64 * KiB, [0, 64 * MiB]),
  binary: byContent(2, 'binary', 16 * KiB, 64 * KiB, 256 * KiB, [0, 1 * GiB]),
  large: byContent(3, 'large', 128 * KiB, 512 * KiB, 2 * MiB, [1 * GiB + 1, 32 * GiB]),
  /** Ends at 1 TiB: there even chunks of the least size are no more than a manifest lists. */
  huge: byContent(4, 'huge', 1 * MiB, 2 * MiB, 4 * MiB, [32 * GiB + 1, 1 * TiB]),
  /** Page-structured files change in place: fixed cuts are faster and lose nothing. 16 GiB is 1,048,576 chunks. */
  paged: fixed(5, 'paged', 16 * KiB, [0, 4 * GiB]),
  /** The user's choice where the CPU is the limit, and for files too large for `huge`. */
  fixed: fixed(6, 'fixed', 4 * MiB, [0, limits.fileBytesMax]),
} as const satisfies Record<string, ChunkProfile>;

const profileById: ReadonlyMap<number, ChunkProfile> = new Map(Object.values(profiles).map((p) => [p.id, p]));

/** The profile of an id that came from outside. Throws `unsupported` for an id that this version does not know. */
export function mustGetProfile(id: number): ChunkProfile {
  const profile = profileById.get(id);
  if (profile === undefined) throw new TidemarkError('unsupported', 'no such chunking profile', { data: { id } });
  return profile;
}

/** How far a file may leave its profile's range before it is cut anew. */
const rangeSlack = 4;

function keeps(profile: ChunkProfile, size: number): boolean {
  if (size < profile.fileBytesMin / rangeSlack || size > profile.fileBytesMax * rangeSlack) return false;
  const chunkBytesMin = profile.content?.minBytes ?? profile.maxBytes;
  return Math.ceil(size / chunkBytesMin) <= limits.manifestChunksMax;
}

/** Bytes of a file's head that choosing a profile looks at. */
export const profileHeadBytes = 4 * KiB;

export interface ProfileChoice {
  /** Size of the file in bytes. */
  readonly size: number;
  /** Its first `profileHeadBytes` bytes, or all of a smaller file. More is ignored. */
  readonly head: Uint8Array;
  /** The profile of the version before this one, where there is one. */
  readonly previous?: ChunkProfile | undefined;
  /** The user prefers the least CPU time to the least bytes moved. */
  readonly preferFixed?: boolean | undefined;
}

/**
 * The profile to cut a file by: a function of size, head and predecessor only, so that two devices with the same file
 * cut it alike. The name takes no part, because a rename changes no byte. A file keeps its predecessor's
 * profile while its size is within four times the profile's range, so that an edit never cuts the whole file anew.
 * Throws `too-large` over `fileBytesMax`.
 */
export function selectProfile({ size, head, previous, preferFixed = false }: ProfileChoice): ChunkProfile {
  if (size > limits.fileBytesMax) {
    throw new TidemarkError('too-large', 'the file is larger than a manifest can list', { data: { size } });
  }
  if (previous !== undefined && keeps(previous, size)) return previous;
  if (preferFixed) return profiles.fixed;
  const seen = head.subarray(0, profileHeadBytes);
  if (size <= profiles.paged.fileBytesMax && looksPaged(seen)) return profiles.paged;
  if (size <= profiles.document.fileBytesMax && looksLikeDocument(seen)) return profiles.document;
  const bySize = [profiles.binary, profiles.large, profiles.huge];
  return bySize.find((profile) => size <= profile.fileBytesMax) ?? profiles.fixed;
}
