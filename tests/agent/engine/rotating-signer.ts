import { createEd25519Signer } from '../../../shared/adapters/node/ed25519-signer.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import type { PublishedKey, Signature, Signer } from '../../../shared/ports/signer.ts';

const seedOf = (name: string): Uint8Array => blake3(utf8(`signing key ${name}`));

/** The signer of a server whose key is rotated while it runs; and the tricks of one that lies about its keys. */
export class RotatingSigner implements Signer {
  #names: readonly string[] = ['0'];
  #signsWith: Signer = createEd25519Signer(seedOf('0'));
  /** What the server publishes, given what it should. */
  publish: (keys: readonly PublishedKey[]) => readonly PublishedKey[] = (keys) => keys;

  /** A new key, endorsed by the current one, which signs from now on. */
  rotate(times = 1): void {
    for (let i = 0; i < times; i++) this.be(...this.#names, `${this.#names.length}`);
  }

  /** The keys of these names: each endorses the next, the last one signs. */
  be(...names: readonly string[]): void {
    this.#names = names;
    this.#signsWith = signerOf(names);
  }

  /** The current key signs no more, the one before it does; what is published stays as it is. */
  signWithRetired(): void {
    this.#signsWith = signerOf(this.#names.slice(0, -1));
  }

  sign(bytes: Uint8Array): Promise<Signature> {
    return this.#signsWith.sign(bytes);
  }

  async publicKeys(): Promise<readonly PublishedKey[]> {
    return this.publish(await signerOf(this.#names).publicKeys());
  }
}

function signerOf(names: readonly string[]): Signer {
  const [first, ...later] = names.map(seedOf);
  return createEd25519Signer(first!, ...later);
}
