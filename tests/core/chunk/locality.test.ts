import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { concatBytes } from '../../../shared/core/bytes.ts';
import { createChunker } from '../../../shared/core/chunk/chunker.ts';
import { type ChunkProfile, profiles } from '../../../shared/core/chunk/profiles.ts';
import { randomBytesOf } from './random-bytes.ts';

const trials = 40;
const places = { start: 0, middle: 0.5, end: 1 };
const chunker = createChunker();

function chunkNames(profile: ChunkProfile, bytes: Uint8Array): string[] {
  const names: string[] = [];
  const name = (chunk: Uint8Array): number => names.push(createHash('sha1').update(chunk).digest('base64'));
  chunker.start(profile);
  for (const chunk of chunker.push(bytes)) name(chunk);
  for (const chunk of chunker.finish()) name(chunk);
  return names;
}

/** Chunks of the edited bytes that the original has not, on average over the trials. */
function newChunksOnAverage(profile: ChunkProfile, edit: (bytes: Uint8Array, trial: number) => Uint8Array): number {
  let fresh = 0;
  for (let trial = 0; trial < trials; trial++) {
    const bytes = randomBytesOf(`${profile.name} ${trial}`, 40 * (profile.content?.avgBytes ?? 0));
    const known = new Set(chunkNames(profile, bytes));
    fresh += chunkNames(profile, edit(bytes, trial)).filter((name) => !known.has(name)).length;
  }
  return fresh / trials;
}

/** An offset near a fraction of the length, another one in each trial. */
function offsetNear(length: number, fraction: number, trial: number): number {
  const jitter = (trial * 7_919) % 50_000;
  return Math.min(length, Math.max(0, Math.floor(fraction * length) + (fraction === 1 ? -jitter : jitter)));
}

for (const [place, fraction] of Object.entries(places)) {
  test(`one byte inserted near the ${place} changes at most three chunks on average`, () => {
    const average = newChunksOnAverage(profiles.document, (bytes, trial) => {
      const at = offsetNear(bytes.length, fraction, trial);
      return concatBytes(bytes.subarray(0, at), Uint8Array.of(trial), bytes.subarray(at));
    });
    assert.ok(average >= 1 && average <= 3, `${average} chunks`);
  });

  test(`a hundred bytes removed near the ${place} change at most three chunks on average`, () => {
    const average = newChunksOnAverage(profiles.document, (bytes, trial) => {
      const at = offsetNear(bytes.length - 100, fraction, trial);
      return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 100));
    });
    assert.ok(average <= 3, `${average} chunks`);
  });
}

test('one byte overwritten changes at most three chunks on average; with 64 KiB chunks too', () => {
  for (const profile of [profiles.document, profiles.binary]) {
    const average = newChunksOnAverage(profile, (bytes, trial) => {
      const edited = bytes.slice();
      edited[offsetNear(bytes.length - 1, 0.5, trial)]! ^= 1;
      return edited;
    });
    assert.ok(average >= 1 && average <= 3, `${profile.name}: ${average} chunks`);
  }
});
