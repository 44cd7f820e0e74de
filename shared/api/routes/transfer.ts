/** Sessions: where to put packs, and where to get them. */
import { downloadSessionRequest, downloadSessionResponse } from '../../core/wire/download-session.ts';
import { uploadSessionRequest, uploadSessionResponse } from '../../core/wire/upload-session.ts';
import { openDownloadSession } from '../../services/open-download-session.ts';
import { openUploadSession } from '../../services/open-upload-session.ts';
import { type Route, route } from '../route.ts';

export const transferRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/upload/session',
    scope: 'sync.write',
    request: uploadSessionRequest,
    response: uploadSessionResponse,
    run: (deps, { caller, body }) => openUploadSession(deps, { caller, request: body }),
  }),
  route({
    method: 'POST',
    path: '/download/session',
    scope: 'sync.read',
    request: downloadSessionRequest,
    response: downloadSessionResponse,
    run: (deps, { caller, body }) => openDownloadSession(deps, { caller, request: body }),
  }),
];
