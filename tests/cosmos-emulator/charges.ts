/**
 * Request units as this emulator counts them: a model, not a measurement. Its anchors are published: a point read of 1 KB is
 * 1 RU and one of 100 KB about 10; a create of 1 KB about 5 and one of 100 KB about 50; a replace about twice a create; a
 * delete about 5. A query has a base of 2.3 RU, and each id sought or document loaded adds a little. An indexed path adds to
 * each write. The real service shows its own numbers in the same header.
 */
const kilobytes = (bytes: number): number => Math.max(1, bytes / 1024);
const round = (units: number): number => Math.round(units * 100) / 100;

export function readCharge(bytes: number): number {
  return round(1 + 0.1 * (kilobytes(bytes) - 1));
}

function writeCharge(bytes: number, indexedPaths: number): number {
  return 5 + 0.45 * (kilobytes(bytes) - 1) + 0.3 * indexedPaths;
}

export function createCharge(bytes: number, indexedPaths: number): number {
  return round(writeCharge(bytes, indexedPaths));
}

export function replaceCharge(bytes: number, indexedPaths: number): number {
  return round(2 * writeCharge(bytes, indexedPaths));
}

export function deleteCharge(indexedPaths: number): number {
  return round(5 + 0.3 * indexedPaths);
}

export function queryCharge(idsSought: number, documents: number, bytes: number): number {
  return round(2.3 + 0.1 * idsSought + 0.05 * documents + (0.05 * bytes) / 1024);
}
