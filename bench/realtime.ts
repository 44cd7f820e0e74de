/**
 * `npm run bench:realtime`: how fast a change is on another device, and what it takes to tell many. Six minutes or so, on a quiet machine. Each part also runs alone:
 * `node bench/realtime-latency.ts`, `realtime-fan-out.ts`, `realtime-stalled.ts`.
 */
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { benchFanOut } from './realtime-fan-out.ts';
import { benchLatency } from './realtime-latency.ts';
import { benchStalled } from './realtime-stalled.ts';
import { machineLine } from './table.ts';

await installNativeBlake3();
console.log(`${machineLine()}\n`);
await benchLatency();
await benchFanOut();
await benchStalled();
