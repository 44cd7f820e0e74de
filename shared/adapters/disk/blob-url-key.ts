import { randomBytes } from 'node:crypto';
import { hexToBytes, utf8, utf8ToText } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { loadOrCreateSecretFile } from '../node/secret-file.ts';

/** The key of blob URLs, which the blob endpoint checks with the same file: 32 bytes as hex. Throws `corrupt` on anything else. */
export async function loadBlobUrlKey(file: string): Promise<Uint8Array> {
  const bytes = await loadOrCreateSecretFile(file, () => utf8(`${randomBytes(32).toString('hex')}\n`));
  const text = utf8ToText(bytes).trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new TidemarkError('corrupt', 'the blob key file does not hold 32 bytes of hex');
  return hexToBytes(text);
}
