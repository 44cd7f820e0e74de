import { randomBytes } from 'node:crypto';

/** An account of the embedded Azurite: whoever has the key may do anything to it. */
export interface StorageAccount {
  readonly name: string;
  /** Base64. */
  readonly key: string;
}

/**
 * The account of `UseDevelopmentStorage=true`. Its key is published by Microsoft: it protects nothing, and is here for tools that
 * know no other, such as `func start`.
 */
export const wellKnownAccount: StorageAccount = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** An account that nobody else knows. */
export function makeStorageAccount(name = `tidemark${randomBytes(4).toString('hex')}`): StorageAccount {
  return { name, key: randomBytes(64).toString('base64') };
}
