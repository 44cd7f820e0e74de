import { limits } from '../core/limits.ts';
import type { ManifestVerifyRequest, ManifestVerifyResponse } from '../core/wire/manifest-verify.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import { contentSha256 } from './content-sha256.ts';
import type { Needs } from './dependencies.ts';

/** The SHA-256 of stored content, computed now, beside the one that is claimed. Throws what `contentSha256` throws. */
export async function verifyContent(
  deps: Needs<'metadata' | 'blobs' | 'codecs'>,
  input: { readonly caller: Caller; readonly request: ManifestVerifyRequest },
): Promise<ManifestVerifyResponse> {
  const { workspaceId, root, sha256: claimed } = input.request;
  await authorise(deps, input.caller, workspaceId, 'read');
  const { sha256, bytes } = await contentSha256(deps, workspaceId, root, limits.contentVerifyBytesMax);
  return { sha256, matches: claimed === null ? null : claimed === sha256, bytes };
}
