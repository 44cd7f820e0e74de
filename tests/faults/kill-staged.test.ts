/**
 * kill -9 of a stack while packs come in blocks and a workspace is restored to what it was: what was acknowledged is in the journal where
 * it was told to be, what was not is asked for again under its old key by the same client, and is done once.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SpawnedStack, spawnStack } from '../../local/spawn-stack.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { type RequestId, type WorkspaceId } from '../../shared/core/ids.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { CommitRequest, SignedHead } from '../../shared/core/wire/commit.ts';
import type { JournalEntry } from '../../shared/core/wire/journal-entry.ts';
import { decodeEntry } from '../../shared/core/tree/entry.ts';
import { type StackClient, newRequestId, openClient } from '../local/stack-client.ts';
import { untilGone } from '../local/stack-process.ts';
import { randomFrom, seed } from './random.ts';

const rounds = 6;
const noStop = new AbortController().signal;

let base: string;
let stack: SpawnedStack;

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'tidemark-kill-staged-'));
  stack = await spawnStack({ data: join(base, 'data') });
});
after(async () => {
  await stack.stop();
  rmSync(base, { recursive: true, force: true });
});

/** A request as it will be sent until it is answered. */
interface Asked {
  readonly requestId: RequestId;
  readonly send: (client: StackClient) => Promise<SignedHead | null>;
}

/** Uploads what a session lacks, in two blocks, whatever of it is there already. */
async function stage(client: StackClient, asked: CommitRequest, bytes: Uint8Array): Promise<void> {
  const [sessionId] = asked.sessions;
  const { packs } = await client.api.uploadSessionStatus(asked.workspaceId, sessionId!, true);
  const { url } = packs[0]!;
  if (url === null) return;
  const blocks = [bytes.subarray(0, 50_000), bytes.subarray(50_000)];
  for (const block of blocks) await client.blobs.stageBlock(url, blake3Digest(block), block, noStop);
  await client.blobs.commitBlocks(url, blocks.map(blake3Digest), noStop);
}

/** A new file whose pack comes in blocks. */
async function newFile(client: StackClient, workspaceId: WorkspaceId, name: string): Promise<Asked> {
  const content = new Uint8Array(randomBytes(100_000));
  const { bytes, sessionId } = await client.openPack(workspaceId, content);
  const request = client.newFile(workspaceId, name, content, [sessionId]);
  const requestId = newRequestId();
  const send = async (by: StackClient) => {
    await stage(by, request, bytes);
    return (await by.api.commit(request, requestId)).head;
  };
  return { requestId, send };
}

/** Everything as it was after some commit. */
function restoreTo(client: StackClient, workspaceId: WorkspaceId, seq: number): Asked {
  const requestId = newRequestId();
  const request = { deviceId: client.deviceId, seq, timeMs: null, nodeId: null, path: null };
  return { requestId, send: async (by) => (await by.api.restore(workspaceId, request, requestId)).head };
}

interface Heard {
  readonly requestId: RequestId;
  readonly head: SignedHead;
}

/** One request after another until the stack is gone; what was under way then is returned. */
async function work(client: StackClient, workspaceId: WorkspaceId, heard: Heard[]): Promise<Asked | undefined> {
  let asked: Asked | undefined;
  for (let n = 0; ; n++) {
    try {
      const newest = heard.at(-1)?.head.seq ?? 0;
      const isRestore = n % 3 === 2 && newest > 1;
      asked = undefined;
      asked = isRestore
        ? restoreTo(client, workspaceId, newest - 1)
        : await newFile(client, workspaceId, `${heard.length}-${randomBytes(4).toString('hex')}`);
      const head = await asked.send(client);
      if (head !== null) heard.push({ requestId: asked.requestId, head });
    } catch (error) {
      assert.ok(isTidemarkError(error, 'unavailable'), String(error));
      return asked;
    }
  }
}

async function readJournal(client: StackClient, workspaceId: WorkspaceId): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (let more = true; more;) {
    const page = await client.api.changes(workspaceId, entries.length);
    entries.push(...page.entries);
    ({ more } = page);
  }
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    entries.map((_, i) => i + 1),
  );
  return entries;
}

test(`staged uploads and restores outlive ${rounds} kills, seed ${seed}`, { timeout: 120_000 }, async () => {
  const random = randomFrom(seed);
  const { port, server } = stack.endpoints;
  const first = await openClient(server, 'ann');
  const workspaceId = await first.createWorkspace('staged');
  const heard: Heard[] = [];
  for (let round = 0; round < rounds; round++) {
    // One device for a round: what it asked for it asks for again itself, after the stack has come back on its port.
    const client = await openClient(server, 'ann');
    const before = heard.length;
    const working = work(client, workspaceId, heard);
    // Work that ends by itself has failed.
    const busy = working.then(() => assert.fail('the stack was gone before it was killed'));
    const tick = () => Promise.race([sleep(5), busy]);
    while (heard.length < before + 2) await tick();
    busy.catch(() => {});
    await sleep(random() * 150);
    const { pid, companions } = stack.endpoints;
    await stack.kill();
    for (const each of [pid, ...companions]) await untilGone(each);
    const unanswered = await working;
    stack = await spawnStack({ data: join(base, 'data'), port });
    if (unanswered !== undefined) {
      const head = await unanswered.send(client);
      if (head !== null) heard.push({ requestId: unanswered.requestId, head });
    }
    const journal = await readJournal(client, workspaceId);
    for (const { requestId, head } of heard) {
      assert.equal(journal[head.seq - 1]?.root, head.root, `round ${round}: ${head.seq} is as it was told`);
      assert.ok(journal.filter((entry) => entry.requestId === requestId).length <= 1, 'and was done once');
    }
    assert.equal(new Set(journal.map(({ requestId }) => requestId)).size, journal.length);
  }
  const reader = await openClient(server, 'ann');
  for (const { edits } of await readJournal(reader, workspaceId)) {
    for (const { key, value } of edits) {
      const entry = key[0] === 1 && value !== null ? decodeEntry(value) : undefined;
      if (entry?.kind === 'file') await reader.readChunk(workspaceId, entry.content);
    }
  }
});
