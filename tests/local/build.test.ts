/** The deployment folder stands alone: far from the repository the app starts from it and does its work. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBlobProcess } from '../../local/blob-process.ts';
import { findFreePorts } from '../../local/free-ports.ts';
import { createDevIssuer } from '../../local/identity/dev-issuer.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';
import { openClient } from './stack-client.ts';
import { startStandIn } from './stand-in-process.ts';

const patience = { timeout: 120_000 };
const script = fileURLToPath(new URL('../../scripts/build-functions.mjs', import.meta.url));

/** As Azure's worker does it: its module is what `require` of that name gives, and "main" of package.json is imported. */
const worker = `
import Module from 'node:module';
import { readFileSync } from 'node:fs';
const names = [];
const nothing = { dispose() {} };
const core = {
  version: '3.13.0', hostVersion: '4.1000.0', Disposable: class {},
  registerFunction: ({ name }) => { names.push(name); return nothing; }, registerHook: () => nothing,
  setProgrammingModel() {}, getProgrammingModel() {}, log() {},
};
const { require } = Module.prototype;
Module.prototype.require = function (id) { return id === '@azure/functions-core' ? core : require.call(this, id); };
const { main } = JSON.parse(readFileSync('package.json', 'utf8'));
await import(new URL(main, 'file://' + process.cwd() + '/'));
console.log(JSON.stringify(names));
`;

test('the app built into a folder registers its functions with a worker, serves, and commits', patience, async (t) => {
  const base = await createTemporaryFolder(t);
  const out = path.join(base, 'app');
  const printed = execFileSync(process.execPath, [script, '--out', out], { encoding: 'utf8' });
  assert.match(printed, /loads it in \d+ ms/);
  const names = readdirSync(out);
  for (const name of ['functions.mjs', 'functions.mjs.map', 'host.json', 'package.json', 'node_modules']) {
    assert.ok(names.includes(name), name);
  }

  const loaded = spawnSync(process.execPath, ['--input-type=module', '-e', worker], { cwd: out, encoding: 'utf8' });
  assert.equal(loaded.stderr, '');
  const registered = JSON.parse(loaded.stdout) as string[];
  for (const name of ['health', 'manifestCommit', 'verifyPack', 'quarantine', 'unsettled', 'sweep'])
    assert.ok(registered.includes(name), name);

  const [data, host] = [path.join(base, 'data'), '127.0.0.1'];
  const port = await findFreePorts(host, 3);
  const issuer = createDevIssuer({ issuerUrl: `http://${host}:${port + 1}` });
  t.after(() => issuer.close());
  const { issuerUrl, audience } = await issuer.start();
  const blobs = await startBlobProcess({
    folder: path.join(data, 'blobs'),
    keyFile: path.join(data, 'blob.key'),
    host,
    port: port + 2,
    webhookUrl: `http://${host}:${port}/runtime/webhooks/EventGrid?functionName=verifyPack`,
  });
  t.after(() => blobs.stop());
  const settings = {
    TIDEMARK_ISSUER: issuerUrl,
    TIDEMARK_AUDIENCE: audience,
    TIDEMARK_CLIENT_ID: 'tide-cli',
    TIDEMARK_DEVELOPMENT: 'true',
    TIDEMARK_DATA: data,
    TIDEMARK_BLOB_ENDPOINT: blobs.ready.url,
  };
  const { url } = await startStandIn(t, { folder: out, entry: path.join(out, 'functions.mjs'), settings, port });
  assert.equal((await fetch(`${url}/api/health`)).status, 200);
  const ann = await openClient(`${url}/api`, 'ann');
  const workspaceId = await ann.createWorkspace('built');
  const content = new TextEncoder().encode('compressed, sent, committed and read back '.repeat(1_000));
  const { head } = await ann.putFile(workspaceId, 'a.txt', content);
  assert.equal(head?.seq, 1);
  assert.deepEqual(await ann.readChunk(workspaceId, blake3Digest(content)), content);
});

test('a folder of somebody else is not overwritten', async (t) => {
  const out = path.join(await createTemporaryFolder(t), 'papers');
  mkdirSync(out);
  writeFileSync(path.join(out, 'thesis.doc'), 'ten years of work');
  const { status, stderr } = spawnSync(process.execPath, [script, '--out', out], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^The app was not built: .* was not made by this script/);
  assert.equal(readFileSync(path.join(out, 'thesis.doc'), 'utf8'), 'ten years of work');
});
