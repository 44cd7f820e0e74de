import { type Digest, type WorkspaceId, parseDigest, parseWorkspaceId } from '../../core/ids.ts';
import type { QuarantineRecord, QuarantineStore } from '../../ports/quarantine-store.ts';
import { fieldsOf, integerOf, textOf, textToId } from './document.ts';
import type { Fields } from './table.ts';
import type { Tables } from './tables.ts';

/** Packs that one query asks for. */
const packsMax = 200;

function fieldsToRecord(fields: Fields): QuarantineRecord {
  return {
    workspaceId: parseWorkspaceId(textOf(fields, 'workspaceId')),
    packId: parseDigest(textOf(fields, 'packId')),
    blobName: textOf(fields, 'blobName'),
    reason: textOf(fields, 'reason'),
    storedBytes: integerOf(fields, 'storedBytes'),
    foundMs: integerOf(fields, 'foundMs'),
  };
}

export function createCosmosQuarantineStore({ quarantine, attempt }: Tables): QuarantineStore {
  async function list(workspaceId: WorkspaceId, after: string | null, limit: number): Promise<QuarantineRecord[]> {
    const all: QuarantineRecord[] = [];
    if (limit <= 0) return all;
    const pages = quarantine.pages(workspaceId, {
      text: 'SELECT * FROM c WHERE c.id > @after ORDER BY c.id',
      parameters: { '@after': after === null ? '' : textToId(after) },
      page: Math.min(limit, 100),
    });
    for await (const page of pages) {
      all.push(...page.map(fieldsOf).map(fieldsToRecord));
      if (all.length >= limit) break;
    }
    return all.slice(0, limit);
  }

  async function foundMs(workspaceId: WorkspaceId, packs: readonly Digest[]): Promise<(number | undefined)[]> {
    const newest = new Map<string, number>();
    const ids = [...new Set(packs)];
    for (let at = 0; at < ids.length; at += packsMax) {
      const part = ids.slice(at, at + packsMax);
      const names = part.map((_, i) => `@p${i}`).join(', ');
      const found = await quarantine.all(workspaceId, {
        text: `SELECT c.packId, c.foundMs FROM c WHERE c.packId IN (${names})`,
        parameters: Object.fromEntries(part.map((id, i) => [`@p${i}`, id])),
        page: 500,
      });
      for (const fields of found.map(fieldsOf)) {
        const packId = textOf(fields, 'packId');
        newest.set(packId, Math.max(newest.get(packId) ?? 0, integerOf(fields, 'foundMs')));
      }
    }
    return packs.map((packId) => newest.get(packId));
  }

  return {
    record: (record) =>
      attempt(async () => {
        await quarantine.create({ pk: record.workspaceId, id: textToId(record.blobName), ...record });
      }),
    get: (workspaceId, blobName) =>
      attempt(async () => {
        const found = await quarantine.read(workspaceId, textToId(blobName));
        return found && fieldsToRecord(found.fields);
      }),
    list: (workspaceId, after, limit) => attempt(() => list(workspaceId, after, limit)),
    foundMs: (workspaceId, packs) => attempt(() => foundMs(workspaceId, packs)),
    remove: (workspaceId, blobName) => attempt(() => quarantine.remove(workspaceId, textToId(blobName))),
  };
}
