/**
 * A device that joins a workspace with a long history: it follows the journal, entry by entry. Beside that, what the head's tree alone
 * would cost it by the Merkle exchange.
 */
import { type WorkspaceId, parseWorkspaceId } from '../../shared/core/ids.ts';
import { emptyVersion, countUp } from '../../shared/core/version-vector.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import type { PutOperation } from '../../shared/core/wire/operation.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type StackClient, newRequestId, openClient } from '../../tests/local/stack-client.ts';
import { MeasuredDevice } from './measured-device.ts';
import { type Row, syncRow } from './row.ts';

const contents = [new Uint8Array(4_096).fill(1), new Uint8Array(4_096).fill(2)];
const filesPerCommit = 1_000;
const commitsAtOnce = 8;

function newPut(client: StackClient, workspaceId: WorkspaceId, name: string): PutOperation {
  const [operation] = client.newFile(workspaceId, name, contents[0]!, []).operations;
  if (operation?.kind !== 'put') throw new Error('the commit of a new file is a put');
  return operation;
}

/** `files` files, in a few commits, and then `commits` commits of one edit each. */
async function makeHistory(
  client: StackClient,
  workspaceId: WorkspaceId,
  files: number,
  commits: number,
): Promise<void> {
  for (const [i, content] of contents.entries()) await client.putFile(workspaceId, `seed-${i}`, content);
  const { deviceId } = client;
  const send = (operations: readonly PutOperation[]) =>
    client.api.commit({ workspaceId, deviceId, sessions: [], manifests: [], segments: [], operations }, newRequestId());
  const made: PutOperation[] = [];
  for (let from = 0; from < files; from += filesPerCommit) {
    const puts = Array.from({ length: Math.min(filesPerCommit, files - from) }, (_, i) =>
      newPut(client, workspaceId, `file-${from + i}`),
    );
    await send(puts);
    made.push(...puts);
  }
  const versions = made.map(() => countUp(emptyVersion, deviceId));
  const edit = async (n: number): Promise<void> => {
    const at = n % made.length;
    const round = Math.floor(n / made.length) + 1;
    const base = versions[at]!;
    versions[at] = countUp(base, deviceId);
    const content = blake3Digest(contents[round % 2]!);
    await send([{ ...made[at]!, base, baseContent: blake3Digest(contents[(round + 1) % 2]!), content }]);
  };
  // Those under way at once are of different files.
  for (let n = 0; n < commits; n += commitsAtOnce) {
    const count = Math.min(commitsAtOnce, commits - n);
    await Promise.all(Array.from({ length: count }, (_, i) => edit(n + i)));
  }
}

interface Listed {
  readonly workspaces: readonly { readonly workspaceId: string; readonly name: string }[];
}

export async function measureJoin(
  { server, base }: { readonly server: string; readonly base: string },
  files: number,
  commits: number,
): Promise<Row[]> {
  const device = new MeasuredDevice('joining', base);
  await device.begin(server, 'history', true);
  const { printed } = await device.run<Listed>('list');
  const workspaceId = parseWorkspaceId(printed.workspaces[0]!.workspaceId);
  const client = await openClient(server, 'ann');
  await makeHistory(client, workspaceId, files, commits);
  const rows = [syncRow('new device, along the journal', await device.sync())];
  const began = performance.now();
  let journalBytes = 0;
  let requests = 0;
  for (let seq = 0, more = true; more; requests++) {
    const page = await client.api.changes(workspaceId, seq);
    for (const { edits } of page.entries) {
      for (const { key, value } of edits) journalBytes += key.length + (value?.length ?? 0);
    }
    seq = page.entries.at(-1)?.seq ?? seq;
    more = page.more;
  }
  const journalSeconds = (performance.now() - began) / 1_000;
  const common = { processorSeconds: null, peakBytes: null, bytesSent: 0 };
  const what = 'of that, the journal: keys and values of its edits';
  rows.push({ ...common, what, seconds: journalSeconds, bytesReceived: journalBytes, requests });
  const treeBegan = performance.now();
  const tree = await client.api.fetchTree(workspaceId, new MemoryNodeSource());
  const treeSeconds = (performance.now() - treeBegan) / 1_000;
  rows.push({
    ...common,
    what: "the head's tree instead, by the Merkle exchange",
    seconds: treeSeconds,
    bytesReceived: tree.bytes,
    requests: tree.rounds + 1,
  });
  return rows;
}
