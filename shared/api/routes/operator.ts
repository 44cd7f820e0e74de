/**
 * What operators may do over HTTP. Under `/operator`, not `/admin`: Azure's Functions host keeps every route that begins with
 * `admin` for itself and does not start a function that has one.
 */
import { type WorkspaceId, parseWorkspaceId } from '../../core/ids.ts';
import { fsckRequest, fsckResponse } from '../../core/wire/admin-fsck.ts';
import { feedState, incidentPage, poisonList } from '../../core/wire/admin-machinery.ts';
import { quarantineDecision, quarantinePage, quarantinedName } from '../../core/wire/admin-quarantine.ts';
import { rebuildIndexRequest, rebuildIndexResponse } from '../../core/wire/admin-rebuild-index.ts';
import { putQuotaRequest, usagePage, workspaceUsage } from '../../core/wire/admin-usage.ts';
import { feedStatus } from '../../services/admin/feed-status.ts';
import { fsckStep } from '../../services/admin/fsck.ts';
import { listPoison } from '../../services/admin/list-poison.ts';
import { listQuarantine } from '../../services/admin/list-quarantine.ts';
import { purgeQuarantined } from '../../services/admin/purge-quarantined.ts';
import { rebuildIndexStep } from '../../services/admin/rebuild-index.ts';
import { releaseQuarantined } from '../../services/admin/release-quarantined.ts';
import { setQuota } from '../../services/admin/set-quota.ts';
import { getUsage, listUsage } from '../../services/admin/usage.ts';
import { listIncidentPage } from '../../services/admin/list-incidents.ts';
import { mustGetWorkspace } from '../../services/admin/must-get-workspace.ts';
import { operatorRoute } from '../operator-route.ts';
import { type Parameter, hexId } from '../parameters.ts';
import { type Route, mustGetParam } from '../route.ts';

/** Packs of one step over HTTP: some seconds of reading and hashing. */
const rebuildPacks = 16;

const workspaceParameter: Parameter = { name: 'workspace', description: 'The id of the workspace.', schema: hexId };
const afterName: Parameter = {
  name: 'after',
  description: "The last page's `after`.",
  schema: { type: 'string', maxLength: 1_024 },
};

function mustGetQueriedWorkspace(query: URLSearchParams): WorkspaceId {
  return parseWorkspaceId(query.get('workspace') ?? '');
}

export const operatorRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: '/operator/usage',
    summary: 'What workspaces hold, and may hold',
    description: 'All by id, deleted ones too, one page; or one workspace.',
    query: [
      { ...workspaceParameter, description: 'Only this workspace.' },
      { name: 'after', description: "The last page's `after`.", schema: hexId },
    ],
    request: null,
    response: usagePage,
    run: async (deps, { query }) => {
      const workspace = query.get('workspace');
      const after = query.get('after');
      if (workspace === null) return listUsage(deps, { after: after === null ? null : parseWorkspaceId(after) });
      return { workspaces: [await getUsage(deps, parseWorkspaceId(workspace))], after: null };
    },
  }),
  operatorRoute({
    method: 'PUT',
    path: '/operator/workspaces/{ws}/quota',
    summary: 'Say what a workspace may hold',
    description: 'One that holds more keeps it, and can only not grow.',
    request: putQuotaRequest,
    response: workspaceUsage,
    run: (deps, { params, body }) => {
      const workspaceId = parseWorkspaceId(mustGetParam(params, 'ws'));
      return setQuota(deps, { workspaceId, quota: body });
    },
  }),
  operatorRoute({
    method: 'POST',
    path: '/operator/fsck',
    summary: 'Check the storage of a workspace, one step',
    description: 'Changes nothing. Asked again with the cursor of the answer until that is null.',
    request: fsckRequest,
    response: fsckResponse,
    run: async (deps, { body }) => {
      await mustGetWorkspace(deps, body.workspaceId);
      return fsckStep(deps, body);
    },
  }),
  operatorRoute({
    method: 'POST',
    path: '/operator/rebuild-index',
    summary: 'Make the chunk index of a workspace right from its packs, one step',
    description: 'Asked again with the cursor of the answer until that is null.',
    request: rebuildIndexRequest,
    response: rebuildIndexResponse,
    run: async (deps, { body }) => {
      await mustGetWorkspace(deps, body.workspaceId);
      return rebuildIndexStep(deps, { ...body, packs: rebuildPacks, trustRecords: false });
    },
  }),
  operatorRoute({
    method: 'GET',
    path: '/operator/quarantine',
    summary: 'The packs of a workspace that are in quarantine',
    query: [{ ...workspaceParameter, required: true }, afterName],
    request: null,
    response: quarantinePage,
    run: async (deps, { query }) => {
      const workspaceId = mustGetQueriedWorkspace(query);
      await mustGetWorkspace(deps, workspaceId);
      return listQuarantine(deps, { workspaceId, after: query.get('after') });
    },
  }),
  operatorRoute({
    method: 'POST',
    path: '/operator/quarantine/release',
    summary: 'Judge a pack in quarantine again, and let it go if it is good',
    request: quarantinedName,
    response: quarantineDecision,
    run: async (deps, { body }) => {
      const release = await releaseQuarantined(deps, body);
      return { status: release.status, reason: release.status === 'refused' ? release.reason : null };
    },
  }),
  operatorRoute({
    method: 'POST',
    path: '/operator/quarantine/purge',
    summary: 'Delete a pack from quarantine, for good',
    request: quarantinedName,
    response: quarantineDecision,
    run: async (deps, { body }) => {
      await purgeQuarantined(deps, body);
      return { status: 'purged' as const, reason: null };
    },
  }),
  operatorRoute({
    method: 'GET',
    path: '/operator/incidents',
    summary: 'What storage did to verified packs of a workspace, and nobody ordered',
    query: [{ ...workspaceParameter, required: true }, afterName],
    request: null,
    response: incidentPage,
    run: async (deps, { query }) => {
      const workspaceId = mustGetQueriedWorkspace(query);
      await mustGetWorkspace(deps, workspaceId);
      return listIncidentPage(deps, { workspaceId, after: query.get('after') });
    },
  }),
  operatorRoute({
    method: 'GET',
    path: '/operator/feed',
    summary: 'How far the change feed of storage was followed',
    request: null,
    response: feedState,
    run: (deps) => feedStatus(deps),
  }),
  operatorRoute({
    method: 'GET',
    path: '/operator/poison',
    summary: 'Messages that their functions could not handle',
    request: null,
    response: poisonList,
    run: async (deps) => ({ messages: await listPoison(deps) }),
  }),
];
