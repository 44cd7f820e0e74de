import { randomBytes } from 'node:crypto';
import { hexToBytes, utf8, utf8ToText } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { loadOrCreateSecretFile } from '../../shared/adapters/node/secret-file.ts';

/**
 * The key under which blob URLs are signed: 32 bytes, as hex in a file that is made, 0600, when it is missing. The store
 * that signs and the endpoint that checks load the same file. Throws `corrupt` when it holds anything else.
 */
export async function loadBlobKey(file: string): Promise<Uint8Array> {
  const bytes = await loadOrCreateSecretFile(file, () => utf8(`${randomBytes(32).toString('hex')}\n`));
  const text = utf8ToText(bytes).trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new TidemarkError('corrupt', 'the blob key file does not hold 32 bytes of hex');
  return hexToBytes(text);
}
