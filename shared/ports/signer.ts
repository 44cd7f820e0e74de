export interface Signer {
  /** Names the key for ever: the first 16 hex characters of BLAKE3(public key). */
  readonly keyId: string;
  /** Ed25519 (RFC 8032): 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /** Every public key (32 bytes) whose signatures are still to be trusted, the current one first. */
  publicKeys(): Promise<readonly { readonly keyId: string; readonly publicKey: Uint8Array }[]>;
}
