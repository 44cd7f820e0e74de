/** The past of a workspace on the command line, over the real stack: what is found, shown, compared and brought back. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { mustTide, tideHere } from './tide-in-process.ts';
import { runTide } from './tide-process.ts';
import { type World, openWorld } from './world.ts';

let world: World;
let ann: Device;

const inFolder = (name: string): string => join(ann.folder, name);
const on = ['--workspace', 'notes'] as const;
const filmBytes = 6 * 1024 * 1024;

/** Commits: 1 all of it, 2 an edit, 3 a folder moved and a link gone, 4 a file deleted. */
before(async () => {
  world = await openWorld();
  ann = world.device('ann');
  const { server } = world.stack.endpoints;
  await mustTide(ann.home, 'login', '--dev', '--server', server, '--user', 'ann');
  await mustTide(ann.home, 'create', 'notes');
  await mustTide(ann.home, 'link', ann.folder, ...on, '--device', 'laptop');
  mkdirSync(inFolder('docs/deep'), { recursive: true });
  writeFileSync(inFolder('docs/a.txt'), 'one\n');
  writeFileSync(inFolder('docs/deep/x'), 'x');
  symlinkSync('docs/a.txt', inFolder('link'));
  writeNoise(inFolder('film.bin'), filmBytes, 1);
  await sync(1);
  writeFileSync(inFolder('docs/a.txt'), 'one\ntwo\n');
  await sync(2);
  renameSync(inFolder('docs/deep'), inFolder('deeper'));
  rmSync(inFolder('link'));
  await sync(3);
  rmSync(inFolder('docs/a.txt'));
  await sync(4);
});
after(() => world.close());

async function sync(seq?: number): Promise<void> {
  const report = await mustTide<{ seq: number; upToDate: boolean }>(ann.home, 'sync', ann.folder);
  assert.ok(report.upToDate);
  if (seq !== undefined) assert.equal(report.seq, seq);
}

interface Change {
  readonly change: string;
  readonly from: string | null;
  readonly to: string | null;
}

const tell = ({ change, from, to }: Change): string => `${change} ${from ?? '-'} ${to ?? '-'}`;

test('ls lists any point, below it too, by workspace or by a path of this disk', async () => {
  const paths = async (...words: string[]) =>
    (await mustTide<{ items: { path: string }[] }>(ann.home, 'ls', ...words)).items.map(({ path }) => path);
  assert.deepEqual(await paths(ann.folder, '-R'), ['deeper', 'deeper/x', 'docs', 'film.bin']);
  const first = ['docs', 'docs/a.txt', 'docs/deep', 'docs/deep/x', 'film.bin', 'link'];
  assert.deepEqual(await paths(...on, '--at', '1', '-R'), first);
  assert.deepEqual(await paths(inFolder('docs'), '--at', '2'), ['a.txt', 'deep']);
  assert.deepEqual(await paths(...on, 'deeper', '--at', '1'), ['x'], 'what is there now, as it was then');
  assert.deepEqual(await paths(...on, '--at', '0'), []);
  symlinkSync(ann.folder, join(world.base, 'way'));
  assert.deepEqual(await paths(join(world.base, 'way/docs'), '--at', '1'), ['a.txt', 'deep'], 'a link to the folder');
  assert.deepEqual(await paths(join(world.base, 'way'), '--at', '1'), ['docs', 'film.bin', 'link']);
  symlinkSync('deeper', inFolder('short'));
  assert.match((await tideHere(ann.home, 'ls', inFolder('short'))).error, /nothing at short/, 'a link in the folder');
  rmSync(inFolder('short'));
  const cut = await tideHere<{ truncated: boolean; items: unknown[] }>(ann.home, 'ls', ...on, '-R', '--limit', '2');
  assert.deepEqual([cut.data.items.length, cut.data.truncated], [2, true]);
  assert.match(cut.notes.at(-1)!, /--limit/);
  const late = await tideHere(ann.home, 'ls', ...on, '--at', '99');
  assert.deepEqual([late.code, /newest commit is 4/.test(late.error)], [exitCodes.notFound, true]);
  assert.equal((await tideHere(ann.home, 'ls', ...on, '--at', 'soon')).code, exitCodes.usage);
});

test('cat prints a file to the byte, a part of one, and one that is gone; it says what it cannot print', async () => {
  const whole = await runTide(ann, ['cat', 'docs/a.txt@1', ...on]);
  assert.deepEqual([whole.code, whole.stdout, whole.stderr], [0, 'one\n', '']);
  const film = readFileSync(inFolder('film.bin'));
  const part = await runTide(ann, ['cat', inFolder('film.bin'), '--offset', '4000000', '--length', '5'], {});
  assert.equal(part.code, 0);
  const text = new TextDecoder().decode(film.subarray(4_000_000, 4_000_005));
  assert.equal(part.stdout, text);
  const gone = await tideHere(ann.home, 'cat', inFolder('docs/a.txt'));
  assert.deepEqual([gone.code, /tide history/.test(gone.error)], [exitCodes.notFound, true]);
  assert.match((await tideHere(ann.home, 'cat', inFolder('docs'))).error, /is a folder, not a file/);
  assert.match((await tideHere(ann.home, 'cat', inFolder('link@1'))).error, /is a link, not a file/);
});

test('log shows who did what, newest first, by pages; for a path only what touched it', async () => {
  interface Log {
    readonly commits: { seq: number; device: string; changes?: Change[]; counts: Record<string, number> }[];
    readonly next: number | null;
    readonly checkedBy: string;
  }
  const all = await mustTide<Log>(ann.home, 'log', ann.folder, '--names');
  assert.deepEqual([all.commits.map(({ seq }) => seq), all.next, all.checkedBy], [[4, 3, 2, 1], null, 'pinned']);
  assert.deepEqual(all.commits[1]!.changes!.map(tell), ['moved docs/deep deeper', 'removed link -']);
  assert.deepEqual(all.commits[3]!.counts, { added: 6 });
  assert.equal(all.commits[0]!.device, 'laptop');
  const page = await mustTide<Log>(ann.home, 'log', ...on, '--limit', '3');
  assert.deepEqual([page.commits.length, page.next, page.checkedBy], [3, 2, 'published']);
  const rest = await mustTide<Log>(ann.home, 'log', ...on, '--before', `${page.next}`);
  assert.deepEqual([rest.commits.map(({ seq }) => seq), rest.next], [[1], null]);
  const touched = await mustTide<Log>(ann.home, 'log', ann.folder, '--path', 'docs/deep');
  assert.deepEqual(touched.commits.map(({ seq }) => seq), [3, 1]); // prettier-ignore
  const { text } = await tideHere(ann.home, 'log', ann.folder, '--limit', '1', '--names');
  assert.match(
    text,
    /^ +4 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d {2}ann on laptop: 1 removed\n +- docs\/a\.txt \(8 B\)$/,
  );
  assert.deepEqual((await mustTide<Log>(ann.home, 'log', ann.folder, '--since', '2026-01-01')).commits.length, 4);
});

test('history follows a file through edits, moves and its deletion', async () => {
  interface Versions {
    readonly versions: { seq: number; change: string; path: string; device: string }[];
    readonly next: number | null;
  }
  const changes = async (...words: string[]) =>
    (await mustTide<Versions>(ann.home, 'history', ...words)).versions.map(({ seq, change }) => `${seq} ${change}`);
  assert.deepEqual(await changes(inFolder('docs/a.txt')), ['4 deleted', '2 edited', '1 created']);
  assert.deepEqual(await changes(...on, 'docs/deep', '--at', '1'), ['3 moved', '1 created']);
  assert.deepEqual(await changes(...on, 'docs/deep'), ['3 moved', '1 created'], 'what was there last');
  assert.match((await tideHere(ann.home, 'history', inFolder('deeper'))).text, /moved from docs\/deep/);
  const page = await mustTide<Versions>(ann.home, 'history', ...on, 'docs/a.txt', '--limit', '2');
  assert.deepEqual([page.versions.length, page.next], [2, 2]);
  assert.deepEqual(await changes(...on, 'docs/a.txt', '--before', '2'), ['1 created']);
  assert.equal((await tideHere(ann.home, 'history', inFolder('never'))).code, exitCodes.notFound);
});

test('diff compares points, versions of a file by lines, and this disk with the workspace', async () => {
  const between = await mustTide<{ changes: Change[] }>(ann.home, 'diff', '1', '4', ...on);
  assert.deepEqual(between.changes.map(tell), ['moved docs/deep deeper', 'removed docs/a.txt -', 'removed link -']);
  const inDocs = await mustTide<{ changes: Change[] }>(ann.home, 'diff', '1', ...on, '--path', 'docs/a.txt');
  assert.deepEqual(inDocs.changes.map(tell), ['removed docs/a.txt -']);
  const lines = await tideHere(ann.home, 'diff', inFolder('docs/a.txt@1'), '2');
  assert.equal(lines.text, '--- docs/a.txt@1\n+++ docs/a.txt@2\n@@ -1 +1,2 @@\n one\n+two');
  const film = await tideHere<{ same: boolean }>(ann.home, 'diff', inFolder('film.bin@1'));
  assert.deepEqual([film.data.same, film.text], [true, '']);
  writeFileSync(inFolder('deeper/x'), 'y');
  const local = await tideHere<{ same: boolean; lines: string[] }>(ann.home, 'diff', inFolder('deeper/x'));
  assert.deepEqual(local.data.lines.filter((line) => /^[-+]/.test(line)), ['-x', '+y']); // prettier-ignore
  const pending = await runTide(ann, ['diff', '--json'], {}, ann.folder);
  const { changes } = JSON.parse(pending.stdout) as { changes: { path: string }[] };
  assert.deepEqual(changes.map(({ path }) => path), ['deeper/x']); // prettier-ignore
  writeFileSync(inFolder('deeper/x'), 'x');
});

test('restore brings back a deleted file, a version, a folder and everything; a dry run and --to change nothing', async () => {
  const plan = await mustTide<{ changes: Change[] }>(ann.home, 'restore', inFolder('docs/a.txt'), '--dry-run');
  assert.deepEqual(plan.changes.map(tell), ['added - docs/a.txt']);
  const { commits } = await mustTide<{ commits: { seq: number }[] }>(ann.home, 'log', ...on, '--limit', '1');
  assert.equal(commits[0]!.seq, 4, 'a dry run commits nothing');
  const back = await mustTide<{ restored: number; seq: number }>(ann.home, 'restore', inFolder('docs/a.txt'));
  assert.deepEqual([back.restored, back.seq], [1, 5]);
  await sync();
  assert.equal(readFileSync(inFolder('docs/a.txt'), 'utf8'), 'one\ntwo\n');
  await mustTide(ann.home, 'restore', ...on, 'docs/a.txt@1');
  await sync();
  assert.equal(readFileSync(inFolder('docs/a.txt'), 'utf8'), 'one\n');
  const which = await tideHere(ann.home, 'restore', inFolder('docs/a.txt'));
  assert.match(which.error, /say to when/);
  const unasked = await tideHere(ann.home, 'restore', '--all', '--at', '1', ...on);
  assert.deepEqual([unasked.code, /--yes/.test(unasked.error)], [exitCodes.halted, true]);
  const all = await mustTide<{ commits: number }>(ann.home, 'restore', '--all', '--at', '1', '--yes', ...on);
  assert.equal(all.commits, 1);
  await sync();
  assert.deepEqual(readdirSync(ann.folder).sort(), ['.tidemark', 'docs', 'film.bin', 'link']);
  assert.deepEqual(readdirSync(inFolder('docs')), ['a.txt', 'deep']);
});

test('restore --to writes a file of then beside, never over another one unless that is said', async () => {
  const there = join(world.base, 'there.txt');
  const words = ['restore', inFolder('docs/a.txt@2'), '--to'];
  const { to } = await mustTide<{ to: string }>(ann.home, ...words, there);
  assert.deepEqual([to, readFileSync(there, 'utf8')], [there, 'one\ntwo\n']);
  writeFileSync(there, 'mine');
  const taken = await tideHere(ann.home, ...words, there);
  assert.deepEqual([taken.code, /--force/.test(taken.error)], [exitCodes.failed, true]);
  assert.equal(readFileSync(there, 'utf8'), 'mine');
  await mustTide(ann.home, ...words, there, '--force');
  assert.equal(readFileSync(there, 'utf8'), 'one\ntwo\n');
  const folder = join(world.base, 'into');
  mkdirSync(folder);
  await mustTide(ann.home, ...words, folder);
  assert.deepEqual(readdirSync(folder), ['a.txt'], 'and no temporary file is left');
});

test('a restore from another machine is a commit of its own device, the same one each time', async () => {
  const home = join(world.base, '.elsewhere');
  await mustTide(home, 'login', '--dev', '--server', world.stack.endpoints.server, '--user', 'ann');
  for (const at of ['2', '1']) await mustTide(home, 'restore', ...on, 'docs/a.txt', '--at', at);
  const { devices } = await mustTide<{ devices: { name: string }[] }>(home, 'devices');
  assert.deepEqual(devices.map(({ name }) => name.replace(/^.* (?=\()/, '')).sort(), ['(command line)', '(command line)', 'laptop']); // prettier-ignore
});

test('where the journal of the linked folder is gone, nothing is read on its word, and by its name the workspace still is', async () => {
  const journal = inFolder('.tidemark/journal.db');
  renameSync(journal, `${journal}.away`);
  const byFolder = await tideHere(ann.home, 'ls', ann.folder);
  assert.deepEqual([byFolder.code, /tide sync/.test(byFolder.error)], [exitCodes.halted, true]);
  const byName = await runTide(ann, ['log', ...on, '--limit', '1', '--json'], {}, ann.folder);
  assert.match(byName.stderr, /Going on without it/);
  assert.equal((JSON.parse(byName.stdout) as { checkedBy: string }).checkedBy, 'published');
  renameSync(`${journal}.away`, journal);
  await mustTide(ann.home, 'ls', ann.folder);
});
