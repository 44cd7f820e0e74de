/**
 * The few globals that browsers and Node share and that core may use. Core compiles with no Node and no DOM types
 * (tsconfig.core.json), so anything else that reaches for the host is a compile error there.
 */
declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array): string;
}
