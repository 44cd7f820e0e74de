/**
 * A window of memory and the cut over it: in WebAssembly where there is any, in plain TypeScript (cut.ts) elsewhere.
 * Both cut at the same places; only the speed differs (3,000+ against 500+ MB/s). The WebAssembly cut sees only its own
 * memory, so the window lies in it, and input is best read straight into the window.
 */
import { base64urlToBytes } from '../bytes.ts';
import { type CutParams, cutLength } from './cut.ts';
import { cutWasmBase64 } from './cut-wasm-base64.ts';
import { gearTable, gearTableShifted } from './gear.ts';

export interface CutWindow {
  /** The same bytes for the window's whole life: never detached, never moved. */
  readonly bytes: Uint8Array;
  /** As `cutLength`, over `bytes`. */
  cutLength(params: CutParams, start: number, end: number): number;
}

const pageBytes = 64 * 1024;
const tableBytes = 256 * 8;
/** The window begins at a page of its own, behind the two tables. */
const windowStart = pageBytes;

let wasmModule: WebAssembly.Module | undefined;

/** Undefined where the host has no WebAssembly or forbids compiling it (a content security policy may). */
function compileOnce(): WebAssembly.Module | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    return (wasmModule ??= new WebAssembly.Module(base64urlToBytes(cutWasmBase64)));
  } catch {
    return undefined;
  }
}

/** The same cut in plain TypeScript. Exported for tests and for hosts without WebAssembly. */
export function createPlainCutWindow(sizeBytes: number): CutWindow {
  const bytes = new Uint8Array(sizeBytes);
  return { bytes, cutLength: (params, start, end) => cutLength(params, bytes, start, end) };
}

function createWasmCutWindow(module: WebAssembly.Module, sizeBytes: number): CutWindow {
  const pages = Math.ceil((windowStart + sizeBytes) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const tables = new DataView(memory.buffer, 0, 2 * tableBytes);
  for (let i = 0; i < 256; i++) {
    tables.setBigUint64(8 * i, gearTable[i]!, true);
    tables.setBigUint64(tableBytes + 8 * i, gearTableShifted[i]!, true);
  }
  const cut = new WebAssembly.Instance(module, { env: { memory } }).exports['cut']!;
  return {
    bytes: new Uint8Array(memory.buffer, windowStart, sizeBytes),
    cutLength: ({ minBytes, avgBytes, maxBytes, smallMask, largeMask }, start, end) =>
      cut(
        windowStart + start,
        windowStart + end,
        minBytes,
        avgBytes,
        maxBytes,
        smallMask.high,
        smallMask.low,
        largeMask.high,
        largeMask.low,
      ),
  };
}

/**
 * A window of `sizeBytes`. Keep and reuse it: each WebAssembly memory reserves gigabytes of address space in V8 (no
 * real memory), so a program should hold a handful, not one per file.
 */
export function createCutWindow(sizeBytes: number): CutWindow {
  const module = compileOnce();
  return module === undefined ? createPlainCutWindow(sizeBytes) : createWasmCutWindow(module, sizeBytes);
}
