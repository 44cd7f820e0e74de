/** Whatever users do between two scans, the findings turn what was known into what is there; then there is nothing more to find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, asyncProperty, boolean, constantFrom, record } from 'fast-check';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { fileErrorCode } from '../../../client/agent/folder/file-problem.ts';
import { type Simulated, createSimulated, root } from './simulated-device.ts';

const names = ['a', 'b', 'c', 'A'];
const folders = ['', 'd/', 'e/', 'd/f/', 'e/d/'];
const path = record({ folder: constantFrom(...folders), name: constantFrom(...names, 'd', 'e', 'f') });
const step = record({
  kind: constantFrom('write', 'mkdir', 'move', 'move', 'remove', 'rmdir', 'save', 'link', 'mode', 'swap'),
  path,
  other: path,
  text: constantFrom('one', 'two', 'three', ''),
});
type Step = typeof step extends { generate: (...args: never[]) => { readonly value: infer T } } ? T : never;

/** Does it if it can be done. */
function act(user: Simulated, { kind, path, other, text }: Step): void {
  const { fs } = user;
  const [at, to] = [path.folder + path.name, other.folder + other.name];
  const [full, fullTo] = [`${root}/${at}`, `${root}/${to}`];
  try {
    if (kind === 'write') user.write(at, text);
    else if (kind === 'mkdir') fs.makeFolder(full);
    else if (kind === 'move') fs.rename(full, fullTo);
    else if (kind === 'remove') fs.removeFile(full);
    else if (kind === 'rmdir') fs.removeFolder(full);
    else if (kind === 'link') fs.makeLink(text, full);
    else if (kind === 'mode') fs.setMode(full, 0o111);
    else if (kind === 'save') {
      user.write(`${at}.tmp`, text);
      fs.rename(`${full}.tmp`, full);
    } else {
      fs.rename(full, '/third');
      fs.rename(fullTo, full);
      fs.rename('/third', fullTo);
    }
  } catch (error) {
    if (fileErrorCode(error) === undefined) throw error;
  }
}

/** Paths with what is there. */
function onDisk({ fs }: Simulated, folder = ''): string[] {
  return fs.list(`${root}/${folder}`).names.flatMap((name) => {
    const path = `${folder}${name}`;
    const stat = fs.lstat(`${root}/${path}`)!;
    if (path === '.tidemark') return [];
    if (stat.kind === 'folder') return [`${path}/`, ...onDisk({ fs } as Simulated, `${path}/`)];
    if (stat.kind === 'symlink') return [`${path} -> ${fs.readLink(`${root}/${path}`)}`];
    return [`${path} ${blake3Digest(fs.readFile(`${root}/${path}`))} ${stat.mode}`];
  });
}

function inKnowledge({ device: { known } }: Simulated): string[] {
  return [...known.nodes.values()].map((node) => {
    const path = known.path(node.nodeId);
    if (node.kind === 'folder') return `${path}/`;
    return node.kind === 'symlink' ? `${path} -> ${node.target}` : `${path} ${node.content} ${node.stat.mode}`;
  });
}

test('knowledge follows the disk, and a second scan finds nothing', async () => {
  const run = asyncProperty(
    array(array(step, { maxLength: 12 }), { maxLength: 4 }),
    boolean(),
    async (rounds, reuses) => {
      const user = await createSimulated({ reusesInodes: reuses });
      for (const folder of ['d', 'e', 'd/f']) user.mkdir(folder);
      for (const steps of rounds) {
        for (const one of steps) act(user, one);
        const report = await user.device.scan();
        assert.ok(report.complete);
        assert.deepEqual(inKnowledge(user).sort(), onDisk(user).sort());
        const again = await user.device.scan();
        assert.deepEqual({ findings: again.findings, missing: again.missing }, { findings: [], missing: [] });
      }
    },
  );
  await assertProperty(run, { numRuns: 300 });
});
