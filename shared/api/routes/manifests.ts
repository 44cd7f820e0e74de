import { commitRequest, commitResponse } from '../../core/wire/commit.ts';
import { manifestProofRequest, manifestProofResponse } from '../../core/wire/manifest-proof.ts';
import { manifestReadRequest, manifestReadResponse } from '../../core/wire/manifest-read.ts';
import { manifestVerifyRequest, manifestVerifyResponse } from '../../core/wire/manifest-verify.ts';
import { proveManifest } from '../../services/prove-manifest.ts';
import { readManifests } from '../../services/read-manifests.ts';
import { verifyContent } from '../../services/verify-content.ts';
import { type Route, keyedRoute, route } from '../route.ts';

export const manifestRoutes: readonly Route[] = [
  keyedRoute({
    method: 'POST',
    path: '/manifest/commit',
    scope: 'sync.write',
    summary: 'Commit a batch of operations',
    description:
      'All or nothing. The same request under the same Idempotency-Key is applied once and answered alike, byte for byte, for as ' +
      'long as its answer is kept; later repeats are safe because every operation names the version it is based on.',
    errors: ['missing-chunks', 'stale-base', 'quota-exceeded'],
    request: commitRequest,
    response: commitResponse,
    run: (deps, { caller, requestId, body }) => deps.commit(deps, { caller, requestId, request: body }),
  }),
  route({
    method: 'POST',
    path: '/manifest/read',
    scope: 'sync.read',
    summary: 'Manifests by root, segments by hash',
    description:
      'In the order asked, null where the workspace has none; a prefix of the answer when the whole would be too large.',
    request: manifestReadRequest,
    response: manifestReadResponse,
    run: (deps, { caller, body }) => readManifests(deps, { caller, request: body }),
  }),
  route({
    method: 'POST',
    path: '/manifest/proof',
    scope: 'sync.read',
    summary: 'Some chunks of a file, with the proof that they are there',
    description:
      'Leaves and inner hashes of the tree that the root is of, so that a part of a file can be checked without the rest.',
    errors: ['missing-chunks'],
    request: manifestProofRequest,
    response: manifestProofResponse,
    run: (deps, { caller, body }) => proveManifest(deps, { caller, request: body }),
  }),
  route({
    method: 'POST',
    path: '/manifest/verify',
    scope: 'sync.read',
    summary: 'The SHA-256 of stored content, computed now',
    description:
      'The server reads all chunks of the file and checks each. Large files, and those of widely scattered chunks, are refused as `too-large`.',
    errors: ['missing-chunks'],
    request: manifestVerifyRequest,
    response: manifestVerifyResponse,
    run: (deps, { caller, body }) => verifyContent(deps, { caller, request: body }),
  }),
];
