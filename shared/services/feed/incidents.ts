/**
 * Incidents: what happened to content that nobody here ordered, such as a pack deleted by hand in the storage account. Each is a small
 * immutable blob `<workspaceId>/incidents/<packId>-<kind>-<etag>.json` in the container `quarantine`, so that telling it
 * twice makes one, it outlives the metadata, and it goes with its workspace.
 */
import { utf8, utf8ToText } from '../../core/bytes.ts';
import { type Digest, type WorkspaceId, parseDigest } from '../../core/ids.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';

/**
 * - `lost`: the blob of a verified pack is gone. What only it held cannot be had until a client uploads it again.
 * - `replaced`: another blob stands under the name of a verified pack; its bytes were verified anew.
 */
export const incidentKinds = ['lost', 'replaced'] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export interface Incident {
  readonly workspaceId: WorkspaceId;
  readonly packId: Digest;
  readonly kind: IncidentKind;
  /** Of the incarnation that was verified and is not there any more. */
  readonly etag: string;
  readonly storedBytes: number;
  readonly noticedMs: number;
}

function folderOf(workspaceId: WorkspaceId): string {
  return `${workspaceId}/incidents/`;
}

/** Logged and counted at least once, kept exactly once. */
export async function reportIncident(
  deps: Needs<'blobs' | 'clock' | 'log' | 'metrics'>,
  found: Omit<Incident, 'noticedMs'>,
): Promise<void> {
  const { workspaceId, packId, kind, etag, storedBytes } = found;
  const name = `${folderOf(workspaceId)}${packId}-${kind}-${etag}.json`;
  if ((await deps.blobs.head('quarantine', name)) !== undefined) return;
  deps.log.error(
    { workspaceId, packId, kind, etag, storedBytes },
    'storage changed a verified pack, and nobody ordered it',
  );
  deps.metrics.count('tidemark.incident.count', 1, { kind });
  const incident: Incident = { workspaceId, packId, kind, etag, storedBytes, noticedMs: serverTimeMs(deps.clock) };
  await deps.blobs.put('quarantine', name, utf8(JSON.stringify(incident)));
}

const incidentName = /^[0-9a-f]{32}\/incidents\/([0-9a-f]{64})-(lost|replaced)-([A-Za-z0-9._-]+)\.json$/;

/** A workspace's incidents after this blob name, by name, at most `limit`; those that cannot be read tell what their name tells. */
export async function listIncidents(
  deps: Needs<'blobs'>,
  workspaceId: WorkspaceId,
  after: string | null,
  limit: number,
): Promise<readonly (Incident & { readonly blobName: string })[]> {
  const found: (Incident & { readonly blobName: string })[] = [];
  for await (const { name, createdMs } of deps.blobs.listBlobs(
    'quarantine',
    folderOf(workspaceId),
    after ?? undefined,
  )) {
    if (found.length === limit) break;
    const [, packId, kind, etag] = incidentName.exec(name) ?? [];
    if (packId === undefined || kind === undefined || etag === undefined) continue;
    const bytes = await deps.blobs.get('quarantine', name);
    found.push({
      workspaceId,
      packId: parseDigest(packId),
      kind: kind === 'lost' ? 'lost' : 'replaced',
      etag,
      blobName: name,
      storedBytes: numberIn(bytes, 'storedBytes') ?? 0,
      noticedMs: numberIn(bytes, 'noticedMs') ?? createdMs,
    });
  }
  return found;
}

function numberIn(bytes: Uint8Array | undefined, field: string): number | undefined {
  try {
    const value: unknown = (JSON.parse(utf8ToText(bytes ?? new Uint8Array(0))) as Readonly<Record<string, unknown>>)[
      field
    ];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  } catch {
    return undefined;
  }
}
