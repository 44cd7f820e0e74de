/**
 * `npm run bench:core`: speeds of the core on one thread, beside memcpy as the limit. Ratios of one run compare; absolute
 * figures are those of the machine named in the first line. Each bench also runs alone: `node bench/core-chunk.ts`,
 * `core-bytes.ts`, `core-map.ts`. Less than a minute; the map of a million entries takes most of the memory.
 */
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { benchBytes } from './core-bytes.ts';
import { benchChunking } from './core-chunk.ts';
import { benchMap } from './core-map.ts';
import { machineLine } from './table.ts';

await installNativeBlake3();
console.log(`${machineLine()}\nMB = 10^6 bytes; speeds are the best of five runs\n`);
for (const bench of [benchChunking, benchBytes, benchMap]) {
  await bench();
  globalThis.gc?.();
}
