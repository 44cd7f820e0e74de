/** I1 as operators see it: the check of storage finds no damage, whatever the stores went through. */
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { createEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { isDamage } from '../../shared/services/admin/fsck/finding.ts';
import { fsckStep } from '../../shared/services/admin/fsck.ts';
import { Broken } from './broken.ts';
import type { SimulatedServer } from './server.ts';
import type { Tally } from './tally.ts';

const signer = createEd25519Signer(blake3(utf8('simulation')));

/** Every version of every workspace that was ever acknowledged, down to each byte. */
export async function checkStorage(server: SimulatedServer, tally: Tally): Promise<void> {
  for (const { workspaceId } of await server.metadata.workspaces.listAll(null, 100)) {
    await checkWorkspace(server, workspaceId);
    tally.check('I1');
  }
}

async function checkWorkspace({ metadata, blobs }: SimulatedServer, workspaceId: WorkspaceId): Promise<void> {
  const deps = { metadata, blobs, signer, codecs: nodeCodecs };
  let cursor: string | null = null;
  do {
    const step: Awaited<ReturnType<typeof fsckStep>> = await fsckStep(deps, {
      workspaceId,
      cursor,
      deep: true,
      history: true,
    });
    const damage = step.findings.find(isDamage);
    if (damage !== undefined) throw new Broken('I1', `${damage.kind} ${damage.subject}: ${damage.detail}`);
    cursor = step.cursor;
  } while (cursor !== null);
}
