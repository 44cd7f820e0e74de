/** SHA-256 where a workspace asks for it: found in the same reading, and checked on what was written. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Digest, parseDigest } from '../../../shared/core/ids.ts';
import { hashFiles } from '../../../client/agent/folder/hash-files.ts';
import { createTools } from '../../../client/agent/workers/tasks.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { createSimulated, root } from './simulated-device.ts';

const sha256Of = (bytes: Uint8Array | string): Digest => parseDigest(createHash('sha256').update(bytes).digest('hex'));

const contents = {
  empty: new Uint8Array(0),
  small: new TextEncoder().encode('hello'),
  'many chunks': randomBytesOf('many', 3_000_000),
};

test('is computed while a file is hashed, and only where it is wanted', async () => {
  const author = await createSimulated();
  for (const [path, bytes] of Object.entries(contents)) author.write(path, bytes);
  const { fs } = author;
  const tools = createTools(fs, nodeCodecs);
  const files = Object.keys(contents).map((path) => {
    const { ino, dev } = fs.lstat(`${root}/${path}`)!;
    return { path, ino, dev, profileId: 0 };
  });
  const wanted = hashFiles(tools, { root, files, preferFixed: false, wantsSha256: true });
  const found = wanted.files.map((file) => ('problem' in file ? file.problem.detail : file.sha256));
  assert.deepEqual(found, Object.values(contents).map(sha256Of)); // prettier-ignore
  const unwanted = hashFiles(tools, { root, files, preferFixed: false, wantsSha256: false });
  assert.deepEqual(
    unwanted.files.map((file) => ('problem' in file ? file.problem.detail : file.sha256)),
    [null, null, null],
  );
  assert.deepEqual(unwanted.hashes, wanted.hashes);
});

test('of a download that is not what the entry tells leaves nothing behind; a right one is written', async () => {
  const author = await createSimulated();
  const large = randomBytesOf('large', 40_000_000);
  const all = { ...contents, large };
  for (const [path, bytes] of Object.entries(all)) author.write(path, bytes);
  await author.device.scan();
  await author.device.upload();
  const reader = await createSimulated({}, author.device.server);
  const actions = Object.entries(all).flatMap(([source, bytes]) => {
    const { nodeId, content, stat } = author.device.known.at(source)!;
    const common = {
      kind: 'write-file' as const,
      content: content!,
      size: stat.size,
      mode: 0,
      mtimeMs: 0,
      expected: null,
    };
    return [
      { ...common, nodeId, path: `right ${source}`, sha256: sha256Of(bytes) },
      { ...common, nodeId, path: `wrong ${source}`, sha256: sha256Of('something else') },
    ];
  });
  const results = await reader.device.apply(actions);
  for (const [i, { path }] of actions.entries()) {
    const result = results[i]!;
    assert.equal(result.done, path.startsWith('right'), path);
    if (!result.done) assert.match(`${result.problem.code} ${result.problem.detail}`, /unreadable .*SHA-256/);
    const isThere = reader.fs.lstat(`${root}/${path}`) !== undefined;
    assert.equal(isThere, result.done);
  }
  for (const [source, bytes] of Object.entries(all)) {
    assert.deepEqual(reader.fs.readFile(`${root}/right ${source}`), bytes);
  }
});
