/**
 * FastCDC 2020's cut in WebAssembly: the same function as `cutLength` in ../cut.ts, which explains it. AssemblyScript,
 * built by scripts/build-wasm.mjs into ../cut-wasm-base64.ts.
 *
 * Memory is imported. Bytes 0 to 2047 hold the gear table, 2048 to 4095 the shifted one (256 u64 each, little-endian),
 * written by ../cut-wasm.ts; the input lies anywhere above. Four pairs are unrolled: measured 3.6 GB/s against 3.0 for
 * one pair a step. Taking the sums of pairs off the chain of dependent additions was measured too, and was no faster.
 */

const shiftedTable: usize = 2048;

/**
 * Length of the chunk that begins at `start` when the input ends at `end` (offsets in memory). Each mask comes as two
 * i32, because a 64-bit argument would cost the caller a BigInt.
 */
export function cut(
  start: usize,
  end: usize,
  min: usize,
  avg: usize,
  max: usize,
  smallHigh: u32,
  smallLow: u32,
  largeHigh: u32,
  largeLow: u32,
): usize {
  let length = end - start;
  if (length <= min) return length;
  if (length > max) length = max;
  let mask = (u64(smallHigh) << 32) | u64(smallLow);
  let stop = start + ((avg < length ? avg : length) & ~1);
  let at = start + (min & ~1);
  let hash: u64 = 0;
  for (let pass = 0; pass < 2; pass++) {
    const shiftedMask = mask << 1;
    const stopUnrolled = at < stop ? at + ((stop - at) & ~7) : at;
    while (at < stopUnrolled) {
      hash = (hash << 2) + load<u64>((<usize>load<u8>(at)) << 3, shiftedTable);
      if (!(hash & shiftedMask)) return at - start;
      hash += load<u64>((<usize>load<u8>(at, 1)) << 3);
      if (!(hash & mask)) return at + 1 - start;
      hash = (hash << 2) + load<u64>((<usize>load<u8>(at, 2)) << 3, shiftedTable);
      if (!(hash & shiftedMask)) return at + 2 - start;
      hash += load<u64>((<usize>load<u8>(at, 3)) << 3);
      if (!(hash & mask)) return at + 3 - start;
      hash = (hash << 2) + load<u64>((<usize>load<u8>(at, 4)) << 3, shiftedTable);
      if (!(hash & shiftedMask)) return at + 4 - start;
      hash += load<u64>((<usize>load<u8>(at, 5)) << 3);
      if (!(hash & mask)) return at + 5 - start;
      hash = (hash << 2) + load<u64>((<usize>load<u8>(at, 6)) << 3, shiftedTable);
      if (!(hash & shiftedMask)) return at + 6 - start;
      hash += load<u64>((<usize>load<u8>(at, 7)) << 3);
      if (!(hash & mask)) return at + 7 - start;
      at += 8;
    }
    while (at < stop) {
      hash = (hash << 2) + load<u64>((<usize>load<u8>(at)) << 3, shiftedTable);
      if (!(hash & shiftedMask)) return at - start;
      hash += load<u64>((<usize>load<u8>(at, 1)) << 3);
      if (!(hash & mask)) return at + 1 - start;
      at += 2;
    }
    mask = (u64(largeHigh) << 32) | u64(largeLow);
    stop = start + (length & ~1);
  }
  return length;
}
