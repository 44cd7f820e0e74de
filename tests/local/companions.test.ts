/**
 * `npm run companions` beside an app that something else runs with local.settings.sample.json as it is, but for ports, which are free
 * ones here. `func start` is stood in for by our own host in a process of its own: the Core Tools themselves are not tried.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import { Device } from '../../bench/demo/device.ts';
import { readConfig } from '../../functions/config.ts';
import { wellKnownAccount } from '../../local/azurite/azurite-account.ts';
import { realtimeOffset } from '../../local/companions.ts';
import { findFreePorts } from '../../local/free-ports.ts';
import { wellKnownAccessKey } from '../../local/stack-realtime.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';
import { Listener } from '../e2e/listener.ts';
import { until } from './host/started-host.ts';
import { openClient } from './stack-client.ts';
import { startStandIn } from './stand-in-process.ts';
import { StackProcess, untilGone } from './stack-process.ts';

const patience = { timeout: 120_000 };
const root = fileURLToPath(new URL('../..', import.meta.url));
const script = path.join(root, 'local/start-companions.ts');
const sample = JSON.parse(readFileSync(path.join(root, 'local.settings.sample.json'), 'utf8')) as {
  readonly Values: Readonly<Record<string, string>>;
};
/** What the companions take unless told otherwise, and what the sample says. */
const usual = { port: 7071, storagePort: 10_000 };
const usualRealtime = connectionTo(usual.port + realtimeOffset);

function connectionTo(port: number): string {
  return `Endpoint=http://127.0.0.1:${port};AccessKey=${wellKnownAccessKey};Version=1.0;`;
}

interface Ports {
  readonly port: number;
  readonly storagePort: number;
}

async function findPorts(): Promise<Ports> {
  const port = await findFreePorts('127.0.0.1', realtimeOffset + 1);
  return { port, storagePort: port + 2 };
}

/** The sample's values with other ports. */
function settingsAt({ port, storagePort }: Ports): Readonly<Record<string, string>> {
  const { name, key } = wellKnownAccount;
  const account = [
    `AccountName=${name}`,
    `AccountKey=${key}`,
    `BlobEndpoint=http://127.0.0.1:${storagePort}/${name}`,
    `QueueEndpoint=http://127.0.0.1:${storagePort + 1}/${name}`,
  ].join(';');
  const changes: Readonly<Record<string, string>> = {
    'UseDevelopmentStorage=true': account,
    [`http://127.0.0.1:${usual.port + 1}`]: `http://127.0.0.1:${port + 1}`,
    [usualRealtime]: connectionTo(port + realtimeOffset),
  };
  const changed = Object.entries(sample.Values).map(([name, value]) => [name, changes[value] ?? value] as const);
  assert.equal(changed.filter(([name, value]) => sample.Values[name] !== value).length, 5, 'what has a port');
  return Object.fromEntries(changed);
}

class Companions {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }
}

async function startCompanions(t: TestContext, data: string, { port, storagePort }: Ports): Promise<Companions> {
  const companions = new Companions(['--data', data, '--port', `${port}`, '--storage-port', `${storagePort}`]);
  t.after(async () => {
    companions.child.kill('SIGINT');
    await companions.ended;
  });
  const ready = once(companions.child, 'message').then(() => 'ready');
  if ((await Promise.race([ready, companions.ended])) !== 'ready') throw new Error(companions.output);
  return companions;
}

/** The folder in which `func start` would be typed: state goes below it. */
async function makeAppFolder(t: TestContext): Promise<string> {
  const folder = path.join(await createTemporaryFolder(t), 'app');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'host.json'), readFileSync(path.join(root, 'host.json')));
  return folder;
}

test(
  'two devices sync, a listener hears, and a bad pack comes into quarantine by events and queue',
  patience,
  async (t) => {
    const ports = await findPorts();
    const folder = await makeAppFolder(t);
    const settings = settingsAt(ports);
    const companions = await startCompanions(t, path.join(folder, settings['TIDEMARK_DATA']!), ports);
    assert.match(companions.output, /func start --port/);
    const entry = path.join(root, 'functions/app.ts');
    const app = await startStandIn(t, { folder, entry, settings, port: ports.port });

    const [a, b] = [new Device('a', folder), new Device('b', folder)];
    await a.run('login', '--dev', '--server', app.url, '--user', 'ann');
    await a.run('create', 'papers');
    for (const device of [a, b]) await device.link(app.url, 'ann', 'papers');
    mkdirSync(path.join(a.folder, 'deep'));
    writeFileSync(path.join(a.folder, 'deep', 'plan.txt'), 'by a');
    writeFileSync(path.join(b.folder, 'notes.txt'), 'by b');
    await a.sync();
    await b.sync();
    assert.ok((await a.sync()).upToDate);
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    assert.equal(readFileSync(path.join(b.folder, 'deep', 'plan.txt'), 'utf8'), 'by a');

    const ann = await openClient(`${app.url}/api`, 'ann');
    const [workspace] = await ann.api.listWorkspaces();
    const { workspaceId } = workspace!;
    const { url: realtimeUrl } = await ann.api.negotiate({ seats: [{ workspaceId, deviceId: ann.deviceId }] });
    const listener = await Listener.open(realtimeUrl!, workspaceId);
    t.after(() => listener.stop());
    await ann.putFile(workspaceId, 'news.txt', utf8('news'));
    await listener.heard(({ kind }) => kind === 'commit');

    const { url } = await ann.openPack(workspaceId, utf8('promised'));
    await ann.blobs.putPack(url, utf8('these bytes are no pack'), new AbortController().signal);
    await until(t, () => app.output().includes('a pack is in quarantine'));
  },
);

test('Ctrl-C ends them, with Azurite and the realtime endpoint; their folder is no stack’s', patience, async (t) => {
  const ports = await findPorts();
  const data = path.join(await createTemporaryFolder(t), 'data');
  const companions = await startCompanions(t, data, ports);
  companions.child.kill('SIGINT');
  assert.equal(await companions.ended, 0);
  for (let port = ports.port; port <= ports.port + realtimeOffset; port++) {
    const probe = createServer().listen(port, '127.0.0.1');
    await once(probe, 'listening');
    probe.close();
  }
  const stack = await new StackProcess(['--data', data, '--port', '0']).ended;
  assert.equal(stack.code, 1);
  assert.match(stack.stderr, /is of npm run companions, for func start: choose another --data/);
});

test('kill -9 of them ends Azurite and the realtime endpoint too', patience, async (t) => {
  const ports = await findPorts();
  const companions = await startCompanions(t, path.join(await createTemporaryFolder(t), 'data'), ports);
  const children = `/proc/${companions.child.pid}/task/${companions.child.pid}/children`;
  const pids = readFileSync(children, 'utf8').trim().split(' ').map(Number);
  assert.equal(pids.length, 2);
  companions.child.kill('SIGKILL');
  for (const pid of pids) await untilGone(pid);
});

test('a port that is taken is told in one line, by its name', patience, async (t) => {
  const ports = await findPorts();
  const data = path.join(await createTemporaryFolder(t), 'data');
  for (const [taken, message] of [
    [ports.port + 1, /^The companions could not start: The development issuer cannot listen: port \d+ .*--port/],
    [
      ports.storagePort,
      /^The companions could not start: The blob service of Azurite cannot listen: port \d+ .*--storage-port/,
    ],
    [
      ports.storagePort + 1,
      /^The companions could not start: The queue service of Azurite cannot listen: port \d+ .*--storage-port/,
    ],
  ] as const) {
    const squatter = createServer().listen(taken, '127.0.0.1');
    await once(squatter, 'listening');
    t.after(() => squatter.close());
    const { port, storagePort } = ports;
    const companions = new Companions(['--data', data, '--port', `${port}`, '--storage-port', `${storagePort}`]);
    assert.equal(await companions.ended, 1);
    assert.match(companions.output, message);
    assert.equal(companions.output.trim().split('\n').length, 1, companions.output);
    squatter.close();
    await once(squatter, 'close');
  }
});

test('--help says what there is; options that are none are refused', async () => {
  const help = new Companions(['--help']);
  assert.equal(await help.ended, 0);
  for (const option of ['--port', '--storage-port', '--data', '--json'])
    assert.ok(help.output.includes(option), option);
  for (const args of [['--prot', '1'], ['--port', '0'], ['--storage-port', 'x'], ['extra'], ['--data', '']]) {
    const refused = new Companions(args);
    assert.equal(await refused.ended, 1, args.join(' '));
    assert.match(refused.output, /^The companions could not start: /);
  }
});

test('the sample is a configuration that our own host reads, of the usual ports', () => {
  const config = readConfig(sample.Values);
  assert.deepEqual(
    [config.blobs.adapter, config.queues.adapter, config.changeFeed.adapter, config.metadata.adapter],
    ['azure', 'azure', 'azure', 'sqlite'],
  );
  assert.equal(config.issuer, `http://127.0.0.1:${usual.port + 1}`);
  const connection = sample.Values['TIDEMARK_STORAGE_CONNECTION']!;
  assert.equal(connection, sample.Values['AzureWebJobsStorage'], 'queue triggers read what the service writes');
  const urls = (['blob', 'queue'] as const).map((service) => connectionStringAccess(connection, service).url);
  const { name } = wellKnownAccount;
  assert.deepEqual(urls, [
    `http://127.0.0.1:${usual.storagePort}/${name}`,
    `http://127.0.0.1:${usual.storagePort + 1}/${name}`,
  ]);
});
