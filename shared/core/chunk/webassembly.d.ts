/** What cut-wasm.ts uses of WebAssembly, for hosts whose types (Node's) do not declare it. */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(size: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    /** Our module exports functions of numbers and nothing else. */
    readonly exports: Record<string, (...values: readonly number[]) => number>;
  }
}
