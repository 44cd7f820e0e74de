/** The operators' command line beside a running stack, and their routes: each command once, as an operator would need it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { exitCodes } from '../../local/admin/exit-codes.ts';
import { type SpawnedStack, spawnStack } from '../../local/spawn-stack.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';

const script = fileURLToPath(new URL('../../local/admin/main.ts', import.meta.url));
const contents = ['one', 'two', 'three', 'four', 'five'].map((text) => utf8(`the content of ${text}`));

let data: string;
let stack: SpawnedStack;
let ann: StackClient;
let workspaceId: WorkspaceId;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function admin(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [script, ...args, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

/** What the command printed with --json, and its exit code, which must be this one. */
async function adminJson<T>(code: number, ...args: readonly string[]): Promise<T> {
  const ended = await admin(...args, '--json');
  assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout) as T;
}

interface Fsck {
  readonly sound: boolean;
  readonly findings: readonly { readonly kind: string; readonly subject: string }[];
}
interface Quarantine {
  readonly packs: readonly { readonly blobName: string; readonly isThere: boolean }[];
}

async function canReadAll(): Promise<boolean> {
  const reads = contents.map((content) => ann.readChunk(workspaceId, blake3Digest(content)));
  return (await Promise.allSettled(reads)).every(({ status }) => status === 'fulfilled');
}

before(async () => {
  data = mkdtempSync(join(tmpdir(), 'tidemark-admin-'));
  stack = await spawnStack({ data, env: { TIDEMARK_OPERATORS: '127.0.0.1|olga' } });
  ann = await openClient(stack.endpoints.server, 'ann');
  workspaceId = await ann.createWorkspace('papers');
  for (const [i, content] of contents.entries()) await ann.putFile(workspaceId, `file ${i}`, content);
});
after(async () => {
  await stack.stop();
  rmSync(data, { recursive: true, force: true });
});

test('fsck of a sound stack that runs', async () => {
  const { sound, findings } = await adminJson<Fsck>(exitCodes.ok, 'fsck', '--deep', '--history');
  assert.deepEqual([sound, findings], [true, []]);
  const { stdout } = await admin('fsck');
  assert.equal(stdout, `${workspaceId}: 5 commits, 5 files, 5 packs: sound\n`);
});

test('a pack of wrong bytes comes into quarantine by its event, is refused, and is purged', async () => {
  const { url } = await ann.openPack(workspaceId, utf8('promised'));
  await ann.blobs.putPack(url, utf8('these bytes are no pack'), new AbortController().signal);
  let packs: Quarantine['packs'] = [];
  while (packs.length === 0) packs = (await adminJson<Quarantine>(exitCodes.ok, 'quarantine', 'list')).packs;
  const [pack] = packs;
  assert.equal(packs.length, 1);
  while (!stack.output().includes('a pack is in quarantine')) await new Promise((resolve) => setImmediate(resolve));
  const refused = await admin('quarantine', 'release', pack!.blobName);
  assert.equal(refused.code, exitCodes.refused);
  assert.match(refused.stdout, /^refused: the pack is not sound/);
  assert.deepEqual(await adminJson(exitCodes.ok, 'quarantine', 'purge', pack!.blobName), { status: 'purged' });
  const { code, stdout, stderr } = await admin('quarantine', 'list');
  assert.deepEqual([code, stdout, stderr], [exitCodes.ok, '', 'Nothing is in quarantine.\n']);
  assert.equal((await admin('quarantine', 'purge', pack!.blobName)).code, exitCodes.notFound);
});

test('every row of the index deleted: fsck says so, rebuild-index brings every file back', async () => {
  assert.equal(await canReadAll(), true);
  const database = new DatabaseSync(join(data, 'metadata.sqlite'), { timeout: 5_000 });
  database.exec('DELETE FROM chunks; DELETE FROM packs;');
  database.close();
  assert.equal(await canReadAll(), false);
  const damaged = await adminJson<Fsck>(exitCodes.damaged, 'fsck');
  assert.deepEqual(new Set(damaged.findings.map(({ kind }) => kind)), new Set(['missing-chunk', 'orphan-blob']));
  assert.deepEqual(await adminJson(exitCodes.ok, 'rebuild-index', '--workspace', workspaceId), {
    workspaces: [{ workspaceId, forgotten: 0, recorded: 5, rejected: 0 }],
  });
  assert.equal(await canReadAll(), true);
  assert.equal((await admin('fsck')).code, exitCodes.ok);
});

test('usage and quota, workspaces, the feed and poison', async () => {
  const { code, stdout } = await admin('quota', workspaceId, '--files', '5', '--bytes', '1GiB');
  assert.equal(code, exitCodes.ok);
  assert.match(stdout, new RegExp(`^workspace .*\\n${workspaceId}  5 of 5 +[0-9]+ B of 1.0 GiB +5 `));
  await assert.rejects(ann.putFile(workspaceId, 'one more', utf8('one more')), { code: 'quota-exceeded' });
  await adminJson(exitCodes.ok, 'quota', workspaceId, '--files', 'none', '--bytes', 'none');
  const { workspaces } = await adminJson<{ workspaces: { filesMax: null }[] }>(exitCodes.ok, 'usage');
  assert.deepEqual(
    workspaces.map(({ filesMax }) => filesMax),
    [null],
  );
  assert.match(
    (await admin('workspaces')).stdout,
    /papers\n.*personal, copy, created .*\n {2}owner 127\.0\.0\.1\|ann\n$/,
  );
  const { shards } = await adminJson<{ shards: unknown[] }>(exitCodes.ok, 'feed', 'status');
  assert.equal(shards.length, 4);
  assert.deepEqual(await adminJson(exitCodes.ok, 'poison', 'list'), { messages: [] });
  assert.deepEqual(await adminJson(exitCodes.ok, 'incidents'), { incidents: [] });
});

test('what is wrong on the command line has its exit code', async () => {
  assert.equal((await admin('fsck', '--workspace', 'x')).code, exitCodes.usage);
  assert.equal((await admin('fsck', '--workspace', 'f'.repeat(32))).code, exitCodes.notFound);
  assert.equal((await admin('no-such-command')).code, exitCodes.usage);
  assert.equal((await admin('fsck', '--help')).code, exitCodes.ok);
});

test('the routes of operators answer the one that is configured, and nobody else', async () => {
  const olga = await openClient(stack.endpoints.server, 'olga');
  const statusOf = async ({ token }: StackClient, path: string): Promise<number> => {
    const response = await fetch(`${stack.endpoints.server}${path}`, { headers: { authorization: `Bearer ${token}` } });
    await response.body?.cancel();
    return response.status;
  };
  for (const path of [
    '/operator/usage',
    '/operator/feed',
    '/operator/poison',
    `/operator/quarantine?workspace=${workspaceId}`,
  ]) {
    assert.deepEqual([await statusOf(olga, path), await statusOf(ann, path)], [200, 404], path);
  }
});

test('a lost pack is found, and lost packs are forgotten by a rebuild', async () => {
  const folder = join(data, 'blobs', 'chunks');
  const blob = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.blob'));
  rmSync(join(folder, blob!));
  const { findings } = await adminJson<Fsck>(exitCodes.damaged, 'fsck');
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['missing-blob'],
  );
  const rebuilt = await adminJson<{ workspaces: { forgotten: number }[] }>(exitCodes.ok, 'rebuild-index');
  assert.equal(rebuilt.workspaces[0]?.forgotten, 1);
});
