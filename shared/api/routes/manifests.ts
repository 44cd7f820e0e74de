import { TidemarkError } from '../../core/errors.ts';
import { type RequestId, parseRequestId } from '../../core/ids.ts';
import { commitRequest, commitResponse } from '../../core/wire/commit.ts';
import { manifestReadRequest, manifestReadResponse } from '../../core/wire/manifest-read.ts';
import { readManifests } from '../../services/read-manifests.ts';
import { type Route, route } from '../route.ts';

function idempotencyKey(headers: Headers): RequestId {
  const key = headers.get('idempotency-key');
  if (key === null) {
    throw new TidemarkError(
      'idempotency-key-missing',
      'send an Idempotency-Key: 32 hex characters, new for each commit',
    );
  }
  return parseRequestId(key);
}

export const manifestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/manifest/commit',
    scope: 'sync.write',
    request: commitRequest,
    response: commitResponse,
    run: (deps, { caller, headers, body }) =>
      deps.commit(deps, { caller, requestId: idempotencyKey(headers), request: body }),
  }),
  route({
    method: 'POST',
    path: '/manifest/read',
    scope: 'sync.read',
    request: manifestReadRequest,
    response: manifestReadResponse,
    run: (deps, { caller, body }) => readManifests(deps, { caller, request: body }),
  }),
];
