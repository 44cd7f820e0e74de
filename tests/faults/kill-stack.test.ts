/**
 * kill -9 of a stack under load at random moments: of the whole stack, of the stack alone, of the blob endpoint alone. After
 * each restart every acknowledged commit is in the journal at its place, and its content can be fetched and has its hash.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SpawnedStack, spawnStack } from '../../local/spawn-stack.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { Digest, WorkspaceId } from '../../shared/core/ids.ts';
import { decodeEntry } from '../../shared/core/tree/entry.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';
import { untilGone } from '../local/stack-process.ts';
import { randomFrom, seed } from './random.ts';

const rounds = 10;
const writers = 4;
const victims = ['all', 'stack', 'blobs'] as const;

interface Acknowledged {
  readonly seq: number;
  readonly root: Digest;
  readonly content: Digest;
}

let base: string;
let stack: SpawnedStack;

before(async () => {
  base = mkdtempSync(join(tmpdir(), 'tidemark-kills-'));
  stack = await spawnStack({ data: join(base, 'data') });
});
after(async () => {
  await stack.stop();
  rmSync(base, { recursive: true, force: true });
});

/** 100 to 200 KB that nobody else has. */
function contentOf(name: string, random: () => number): Uint8Array {
  const seedBytes = createHash('sha256').update(name).digest();
  const length = 100_000 + Math.floor(random() * 100_000);
  return new Uint8Array(
    Buffer.alloc(length, createHash('shake256', { outputLength: 65_536 }).update(seedBytes).digest()),
  );
}

/** Uploads and commits one file after another, and notes each acknowledgement, until the stack is gone. */
async function write(
  client: StackClient,
  workspaceId: WorkspaceId,
  prefix: string,
  random: () => number,
  acknowledged: Acknowledged[],
): Promise<void> {
  for (let n = 0; ; n++) {
    const name = `${prefix}-${n}`;
    const content = contentOf(name, random);
    try {
      const { head } = await client.putFile(workspaceId, name, content);
      assert.ok(head !== null);
      acknowledged.push({ seq: head.seq, root: head.root, content: blake3Digest(content) });
    } catch {
      return;
    }
  }
}

async function kill(victim: (typeof victims)[number]): Promise<void> {
  const { pid, companions } = stack.endpoints;
  if (victim === 'all') await stack.kill();
  else process.kill(victim === 'stack' ? pid : companions[0]!, 'SIGKILL');
  for (const each of [pid, ...companions]) await untilGone(each);
}

/** The journal as it is now: gap-free, with the root and the new content of each entry. */
async function readJournal(client: StackClient, workspaceId: WorkspaceId): Promise<ReadonlyMap<number, Acknowledged>> {
  const entries = new Map<number, Acknowledged>();
  for (let seq = 0, more = true; more;) {
    const page = await client.api.changes(workspaceId, seq);
    for (const entry of page.entries) {
      assert.equal(entry.seq, ++seq, 'the journal has no gap');
      const values = entry.edits.flatMap(({ key, value }) =>
        key[0] === 1 && value !== null ? [decodeEntry(value)] : [],
      );
      const [file] = values;
      assert.ok(file?.kind === 'file');
      entries.set(seq, { seq, root: entry.root, content: file.content });
    }
    ({ more } = page);
  }
  return entries;
}

test(
  `nothing acknowledged is lost by ${rounds} kills of a stack under load, seed ${seed}`,
  { timeout: 120_000 },
  async () => {
    const random = randomFrom(seed);
    const { port, server } = stack.endpoints;
    const workspaceId = await (await openClient(server, 'ann')).createWorkspace('load');
    const all: Acknowledged[] = [];
    let checked = 0;
    for (let round = 0; round < rounds; round++) {
      const client = await openClient(server, 'ann');
      const writing = Array.from({ length: writers }, (_, w) =>
        write(client, workspaceId, `${round}-${w}`, random, all),
      );
      // On a busy machine the first answer may take long; without one the round would prove nothing.
      const before = all.length;
      while (all.length === before) await sleep(5);
      await sleep(random() * 400);
      await kill(victims[round % victims.length]!);
      await Promise.all(writing);
      stack = await spawnStack({ data: join(base, 'data'), port });
      const reader = await openClient(server, 'ann');
      const journal = await readJournal(reader, workspaceId);
      for (const each of all)
        assert.deepEqual(journal.get(each.seq), each, `round ${round}: ${each.seq} is as acknowledged`);
      const fresh = [...journal.values()].slice(round === rounds - 1 ? 0 : checked);
      for (const { content } of fresh) await reader.readChunk(workspaceId, content);
      checked = journal.size;
    }
    assert.ok(all.length >= rounds, `only ${all.length} commits were acknowledged`);
  },
);
