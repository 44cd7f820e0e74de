/**
 * How a plain file knows which incarnation of its blob it is. The ETag is the file's modification time in nanoseconds, and
 * that time is not left to chance: a file gets, before it gets its name, a time drawn at random from the 64 seconds before
 * its making. Inode numbers cannot do this, since file systems give them out again at once, nor can their own times, which
 * tick only every few milliseconds. Blob files are never written again, so the time stays; `cp -a`, rsync and backups keep
 * it, and so a restored store keeps its ETags.
 *
 * Node hands times to the system as doubles of seconds, which at today's dates step by 238 ns: 2^28 times to draw from.
 * What it costs: a blob's creation time is known to about a minute only, and never too late. What it needs: a file system
 * with times finer than a second (ext4, xfs, btrfs, APFS, NTFS, tmpfs).
 *
 * Example: made at 10:00:00.000, drawn 09:59:23.417283058, ETag `188c5f0e9c1ad2b2`.
 */
import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { BlobProperties } from '../../ports/blob-store.ts';
import { modeToTier } from './tier-mode.ts';

const spreadSeconds = 64;

/** A modification time for a new blob file, in seconds since 1970. */
export function drawIncarnation(nowMs: number): number {
  const draw = randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
  return Math.max(nowMs / 1_000, spreadSeconds) - spreadSeconds * draw;
}

/** Properties of a blob by its file. */
export function statsToProperties(stats: BigIntStats): BlobProperties {
  return {
    length: Number(stats.size),
    etag: stats.mtimeNs.toString(16).padStart(16, '0'),
    createdMs: Number(stats.mtimeMs),
    tier: modeToTier(Number(stats.mode)),
  };
}
