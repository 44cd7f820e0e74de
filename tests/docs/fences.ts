/** Examples in a document: fenced blocks whose info string is `<language> example=<name>`. */
import { hexToBytes } from '../../shared/core/bytes.ts';

export interface Fence {
  readonly language: string;
  readonly name: string;
  readonly text: string;
}

const fence = /^```(\w+) example=([\w-]+)\n([\s\S]*?)^```$/gm;

export function findFences(document: string): readonly Fence[] {
  return [...document.matchAll(fence)].map(([, language, name, text]) => ({
    language: language!,
    name: name!,
    text: text!.replace(/\n$/, ''),
  }));
}

/** The bytes of a hex block: `#` begins a comment, white space means nothing. */
export function hexBlockToBytes(text: string): Uint8Array {
  return hexToBytes(text.replaceAll(/#.*$|\s/gm, ''));
}
