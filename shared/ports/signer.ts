export interface Signature {
  /** Names the key for ever: the first 16 hex characters of BLAKE3(public key). */
  readonly keyId: string;
  /** Ed25519 (RFC 8032): 64 bytes. */
  readonly signature: Uint8Array;
}

export interface PublishedKey {
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * By the key before it, over keyEndorsementBytes (core/wire/journal-entry): who trusts the older key may trust this one. Null for
   * the first key.
   */
  readonly endorsement: Signature | null;
}

/** Throws `unavailable` while keys are being changed or cannot be read: never a signature that a later key has made worthless. */
export interface Signer {
  /** With the current key: never with one before a key that has signed. */
  sign(bytes: Uint8Array): Promise<Signature>;
  /** Every public key whose signatures are still to be trusted, the current one first. */
  publicKeys(): Promise<readonly PublishedKey[]>;
}
