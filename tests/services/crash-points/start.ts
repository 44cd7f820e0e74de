/** What the scenes of crashes stand on: a workspace with a file that was acknowledged, and the ways of a client. */
import assert from 'node:assert/strict';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3, blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../../shared/core/ids.ts';
import { type BuiltManifest, buildManifest } from '../../../shared/core/manifest/manifest.ts';
import { buildPack } from '../../../shared/core/pack/pack-writer.ts';
import type { Schema } from '../../../shared/core/wire/schema.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import type { Container } from '../../../shared/ports/blob-store.ts';
import { decodeQuarantineMessage } from '../../../shared/services/quarantine/quarantine-message.ts';
import { reportQuarantined } from '../../../shared/services/quarantine/report-quarantined.ts';
import { call, must } from '../../api/world/calls.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../../api/world/test-world.ts';

export const keptText = 'acknowledged before anything crashed';

export interface Start {
  readonly world: TestWorld;
  readonly ann: TestDevice;
  readonly workspaceId: WorkspaceId;
}

/** `kept.txt` was acknowledged, as seq 1. */
export async function start(world = createTestWorld()): Promise<Start> {
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  await ann.commitPut({ node: 'kept', name: 'kept.txt', text: keptText });
  return { world, ann, workspaceId };
}

/** The same device, talking to another process. */
export function on(world: TestWorld, { person, workspaceId, deviceId }: TestDevice): TestDevice {
  return new TestDevice(world, person, workspaceId, deviceId);
}

export function packOf(...texts: readonly string[]): { readonly packId: Digest; readonly bytes: Uint8Array } {
  const chunks = texts.map((text) => utf8(text));
  return buildPack(nodeCodecs, digestsToColumn(chunks.map(blake3Digest)), (i) => chunks[i]!);
}

/** Two chunks of which the first ends a segment: a file with a manifest and segments of its own. */
export function largeFile(): { readonly chunks: readonly Uint8Array[]; readonly built: BuiltManifest } {
  let first = utf8('');
  for (let i = 0; !blake3Digest(first).endsWith('00') || first.length === 0; i++) first = utf8(`first chunk ${i}`);
  const chunks = [first, utf8('second chunk')];
  const lengths = Uint32Array.from(chunks, ({ length }) => length);
  return { chunks, built: buildManifest(1, { hashes: digestsToColumn(chunks.map(blake3Digest)), lengths }) };
}

export async function namesIn({ blobs }: TestWorld, container: Container, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const name of blobs.list(container, prefix)) names.push(name);
  return names;
}

/** Seqs of the journal: one total order without gaps, as long as was committed. */
export async function seqsOf({ deps }: TestWorld, workspaceId: WorkspaceId): Promise<number[]> {
  const records = await deps.metadata.journal.list(workspaceId, 0, 1_000, 1e9);
  return records.map(({ seq }) => seq);
}

/** What the files and folders are called, and the content or target of each. */
export async function listed(device: TestDevice, path = ''): Promise<Readonly<Record<string, unknown>>> {
  const entries = await device.list(path);
  return Object.fromEntries(
    [...entries].map(([name, entry]) => {
      if (entry.kind === 'folder') return [name, null];
      return [name, entry.kind === 'file' ? entry.content : entry.target];
    }),
  );
}

/** The messages of the queue `quarantine`, as its function gets them; returns what each led to. */
export async function deliverQuarantine({ deps }: TestWorld): Promise<string[]> {
  const reports: string[] = [];
  for (const message of await deps.queue.receive('quarantine', 32, 30)) {
    reports.push(await reportQuarantined(deps, decodeQuarantineMessage(message.body)));
    await deps.queue.remove('quarantine', message);
  }
  return reports;
}

/** Stages bytes in two blocks and makes a blob of them, as a client does on a slow link. */
export async function stage(world: TestWorld, url: string, bytes: Uint8Array): Promise<void> {
  const blocks = [bytes.slice(0, 20), bytes.slice(20)];
  const ids = blocks.map((block) => Buffer.from(blake3(block)).toString('base64'));
  for (const [i, block] of blocks.entries()) {
    const target = `${url}&comp=block&blockid=${encodeURIComponent(ids[i]!)}`;
    assert.equal((await world.blobs.fetch(new Request(target, { method: 'PUT', body: block }))).status, 201);
  }
  const list = `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`;
  assert.equal(
    (await world.blobs.fetch(new Request(`${url}&comp=blocklist`, { method: 'PUT', body: list }))).status,
    201,
  );
}

/** A request of ann's with no body, or one. Throws when it is refused. */
export function ask<Q, A>(
  { api }: TestWorld,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  response: Schema<A>,
  request?: readonly [Schema<Q>, Q],
): Promise<A> {
  const headers = { 'if-match': '*', 'idempotency-key': '77'.repeat(16) };
  const body = request === undefined ? {} : { request };
  return must(call(api, { token: 'ann', method, path, response, headers, ...body }));
}
