/**
 * `npm run bench:server`: what one stack (disk + SQLite, API in one process, blobs in another) does for its clients, on the
 * machine named in the first line. Clients run in this process, so they share the cores with the server. About two minutes. Each
 * part also runs alone: `node bench/server-commits.ts`, `server-transfer.ts`, `server-merge.ts`.
 */
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { benchManifests } from './core-bytes.ts';
import { benchCommits } from './server-commits.ts';
import { benchMerge } from './server-merge.ts';
import { benchTransfer } from './server-transfer.ts';
import { machineLine } from './table.ts';

await installNativeBlake3();
console.log(`${machineLine()}\nMB = 10^6 bytes\n`);
for (const bench of [benchCommits, benchTransfer, benchMerge, benchManifests]) {
  await bench();
  globalThis.gc?.();
}
