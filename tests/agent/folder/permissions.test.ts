import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { carryOut } from '../../../client/agent/folder/carry-out.ts';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import { toStatMark } from '../../../client/agent/folder/stat-mark.ts';
import { createTools } from '../../../client/agent/workers/tasks.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { parseNodeId } from '../../../shared/core/ids.ts';

test('a private file stays private when somebody else edits it', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tidemark-permissions-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, '.tidemark', 'tmp'), { recursive: true });
  const path = join(root, 'secret.txt');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  writeFileSync(join(root, '.tidemark', 'tmp', 'w-1'), 'new!');
  chmodSync(join(root, '.tidemark', 'tmp', 'w-1'), 0o755);
  const fs = createNodeFileSystem();
  const action = {
    kind: 'write-file' as const,
    nodeId: parseNodeId('ab'.repeat(16)),
    path: 'secret.txt',
    content: blake3Digest(Buffer.from('new!')),
    size: 4,
    mode: 0o111,
    mtimeMs: 0,
    expected: toStatMark(fs.lstat(path)!),
  };
  const { results } = carryOut(createTools(fs, nodeCodecs), {
    root,
    steps: [{ action, temp: '.tidemark/tmp/w-1' }],
    own: [],
    unmade: [],
  });
  assert.ok(results[0] !== undefined && 'stat' in results[0]);
  assert.equal(readFileSync(path, 'utf8'), 'new!');
  assert.equal(lstatSync(path).mode & 0o777, 0o711, 'read and write as before, executable as told');
});
