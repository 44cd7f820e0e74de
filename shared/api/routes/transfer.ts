/** Sessions: where to put packs, and where to get them. */
import { downloadSessionRequest, downloadSessionResponse } from '../../core/wire/download-session.ts';
import { parseSessionId, parseWorkspaceId } from '../../core/ids.ts';
import { uploadSessionRequest, uploadSessionResponse } from '../../core/wire/upload-session.ts';
import { uploadSessionStatus } from '../../core/wire/upload-status.ts';
import { getUploadSession } from '../../services/get-upload-session.ts';
import { openDownloadSession } from '../../services/open-download-session.ts';
import { openUploadSession } from '../../services/open-upload-session.ts';
import { flagText, hexId } from '../parameters.ts';
import { type Route, flagQuery, mustGetParam, route } from '../route.ts';

export const transferRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/upload/session',
    scope: 'sync.write',
    summary: 'Which chunks are missing, and the packs to build of them',
    description: 'Each pack comes with a URL that may create that one blob, for minutes.',
    errors: ['revoked'],
    request: uploadSessionRequest,
    response: uploadSessionResponse,
    run: (deps, { caller, body }) => openUploadSession(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/upload/session/{session}',
    scope: 'sync.write',
    summary: 'What became of the packs of an upload session',
    description:
      'Each pack with its state, the blocks that are staged, and a fresh URL where it is still to be uploaded. Only the user who opened the session may ask.',
    query: [
      { name: 'workspace', description: 'The workspace of the session.', schema: hexId, required: true },
      { name: 'staged', description: '`true`: URLs for staged uploads.', schema: flagText },
    ],
    request: null,
    response: uploadSessionStatus,
    run: (deps, { caller, params, query }) =>
      getUploadSession(deps, {
        caller,
        workspaceId: parseWorkspaceId(query.get('workspace') ?? ''),
        sessionId: parseSessionId(mustGetParam(params, 'session')),
        staged: flagQuery(query, 'staged'),
      }),
  }),
  route({
    method: 'POST',
    path: '/download/session',
    scope: 'sync.read',
    summary: 'Where chunks lie',
    description:
      'Packs with a URL that may read that one blob, for minutes, and for each chunk its frame and its place in it.',
    errors: ['missing-chunks'],
    request: downloadSessionRequest,
    response: downloadSessionResponse,
    run: (deps, { caller, body }) => openDownloadSession(deps, { caller, request: body }),
  }),
];
