import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { utf8 } from '../../../shared/core/bytes.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type NodeId, parseDeviceId, parseRequestId, parseWorkspaceId, rootNodeId } from '../../../shared/core/ids.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { type Journal, createJournal, openJournal, openKnowledge } from '../../../client/agent/journal/journal.ts';
import { rebuildSyncedMark, updateSyncedMark } from '../../../client/agent/journal/marks.ts';
import { pinKeys } from '../../../client/agent/journal/meta-table.ts';
import type { SyncedNode } from '../../../client/agent/journal/rows.ts';
import type { PlacedEntry } from '../../../client/agent/model.ts';
import { type Tree, aTree, changed, changes, entryOf, idOf, toLocal } from '../plan/model.ts';

const identity = {
  workspaceId: parseWorkspaceId('1'.repeat(32)),
  deviceId: parseDeviceId('2'.repeat(32)),
  server: 'http://server.test',
  user: 'test|ann',
};
const stat = { size: 1, mtimeMs: 1.5, ctimeMs: 2.25, ino: 2 ** 60, dev: 3, mode: 0 };

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  file = join(folder, 'journal.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function mustOpen(): Journal {
  const opened = openJournal(file, identity.deviceId);
  assert.ok(opened.state === 'ready', opened.state);
  return opened.journal;
}

function fileAt(n: number, name: string, text: string): SyncedNode {
  return { parentId: rootNodeId, name, entry: entryOf(idOf(n), 'file', text), stat };
}

describe('a journal file', () => {
  it('keeps what was written, and is absent before it is made', () => {
    assert.deepEqual(openJournal(file, null), { state: 'absent' });
    const made = createJournal(file, identity);
    made.trees.settle(idOf(1), fileAt(1, 'f', 'x'));
    made.close();
    const journal = mustOpen();
    assert.deepEqual(journal.meta.getIdentity(), identity);
    assert.deepEqual(journal.trees.getSynced(idOf(1)), fileAt(1, 'f', 'x'));
    journal.close();
  });

  it('that is gone, another device’s, truncated or overwritten is lost, and set aside when begun anew', () => {
    assert.deepEqual(openJournal(file, identity.deviceId), { state: 'lost', reason: 'missing' });
    createJournal(file, identity).close();
    assert.deepEqual(openJournal(file, parseDeviceId('3'.repeat(32))), { state: 'lost', reason: 'other-device' });
    truncateSync(file, 4_096 * 3);
    assert.equal(openJournal(file, identity.deviceId).state, 'lost');
    writeFileSync(file, 'not a database, not a database, not a database, not a database');
    assert.deepEqual(openJournal(file, identity.deviceId), { state: 'lost', reason: 'damaged' });
    createJournal(file, identity).close();
    assert.ok(existsSync(`${file}.lost-1`), readdirSync(folder).join());
    mustOpen().close();
  });

  it('is read by another connection while it is written', () => {
    const journal = createJournal(file, identity);
    journal.trees.settle(idOf(1), fileAt(1, 'f', 'x'));
    const { knowledge, close } = openKnowledge(file);
    assert.deepEqual(
      knowledge.childrenOf(rootNodeId).map(({ name }) => name),
      ['f'],
    );
    assert.deepEqual(knowledge.byInode(stat.ino, stat.dev).length, 1);
    journal.trees.setLocal(idOf(2), { ...toLocal(fileAt(2, 'g', 'y')), stat });
    assert.deepEqual(knowledge.byContent(blake3Digest(utf8('y'))).length, 1);
    close();
    journal.close();
  });

  it('tells of files of one content a handful, and all of those on which the trees may disagree', () => {
    const journal = createJournal(file, identity);
    const content = blake3Digest(utf8('x'));
    const { trees, listings } = journal;
    for (let n = 1; n <= 100; n++) {
      trees.setRemote(idOf(n), fileAt(n, `f${n}`, 'x'));
      trees.settle(idOf(n), fileAt(n, `f${n}`, 'x'));
    }
    const some = listings.localByContent(content);
    assert.ok(some.length > 0 && some.length < 20, `${some.length} of 100`);
    assert.deepEqual(listings.unsettledByContent(content), []);
    trees.setRemote(idOf(1), undefined);
    trees.setRemote(idOf(2), fileAt(2, 'f2', 'y'));
    trees.setLocal(idOf(3), { ...toLocal(fileAt(3, 'f3', 'y')), stat });
    trees.setLocal(idOf(101), { ...toLocal(fileAt(101, 'copy', 'x')), stat });
    const unsettled = listings.unsettledByContent(content).map(({ nodeId }) => nodeId);
    assert.deepEqual(unsettled.sort(), [idOf(1), idOf(2), idOf(101)].sort());
    journal.close();
  });

  it('keeps an unanswered commit, and knows when its bytes are not what was written', () => {
    const journal = createJournal(file, identity);
    const requestId = parseRequestId('4'.repeat(32));
    journal.outbox.append(requestId, utf8('first'));
    journal.outbox.append(parseRequestId('5'.repeat(32)), utf8('second'));
    assert.deepEqual(journal.outbox.first()?.requestId, requestId);
    journal.outbox.remove(journal.outbox.first()!.id);
    assert.deepEqual(journal.outbox.first()?.body, utf8('second'));
    journal.database.run('UPDATE outbox SET body = ?', utf8('secone'));
    assert.throws(
      () => journal.outbox.first(),
      (error) => isTidemarkError(error, 'corrupt'),
    );
    journal.close();
  });

  it('pins keys for good', () => {
    const journal = createJournal(file, identity);
    pinKeys(journal.meta, [{ keyId: 'one', publicKey: new Uint8Array(32) }]);
    pinKeys(journal.meta, [{ keyId: 'two', publicKey: new Uint8Array(32).fill(1) }]);
    assert.deepEqual(
      journal.meta.pinnedKeys.map(({ keyId }) => keyId),
      ['one', 'two'],
    );
    const swapped = [{ keyId: 'one', publicKey: new Uint8Array(32).fill(9) }];
    assert.throws(
      () => pinKeys(journal.meta, swapped),
      (error) => isTidemarkError(error, 'bad-signature'),
    );
    journal.close();
  });
});

describe('the three trees', () => {
  const views = ({ trees }: Journal, id: NodeId) => [trees.getLocal(id), placed(trees.getRemote(id))];

  it('keep what the disk and the server hold when the merge base changes under them', () => {
    const journal = createJournal(':memory:', identity);
    const id = idOf(1);
    const states = [undefined, fileAt(1, 'f', 'x'), fileAt(1, 'f', 'y'), fileAt(1, 'g', 'x')];
    for (const local of states) {
      for (const remote of states) {
        for (const base of states) {
          for (const next of states) {
            journal.trees.rebase(id, base);
            journal.trees.setLocal(id, local === undefined ? undefined : { ...toLocal(local), stat });
            journal.trees.setRemote(id, remote);
            const before = views(journal, id);
            journal.trees.batch([id], () => journal.trees.rebase(id, next));
            assert.deepEqual(views(journal, id), before);
            assert.equal(journal.trees.isRemoteChange(id), JSON.stringify(remote) !== JSON.stringify(next));
            assert.equal(journal.trees.isLocalChange(id), JSON.stringify(local) !== JSON.stringify(next));
          }
        }
      }
    }
  });

  it('give a found node the id it has on the server, with what is in it', () => {
    const journal = createJournal(':memory:', identity);
    const child = fileAt(2, 'f', 'x');
    journal.trees.setLocal(idOf(1), { ...toLocal(fileAt(1, 'd', '')), kind: 'folder', content: null });
    journal.trees.setLocal(idOf(2), { ...toLocal(child), parentId: idOf(1) });
    journal.trees.renameLocal(idOf(1), idOf(9));
    assert.equal(journal.trees.getLocal(idOf(1)), undefined);
    assert.equal(journal.trees.getLocal(idOf(2))?.parentId, idOf(9));
  });

  it('batches and single rows give the same', () => {
    fc.assert(
      fc.property(aTree, changes(20, 8), fc.boolean(), (tree, script, batched) => {
        const journal = createJournal(':memory:', identity);
        fill(journal, tree);
        const next = changed(tree, script);
        const ids = [...new Set([...tree.keys(), ...next.keys()])];
        const work = (): void => {
          for (const id of ids) journal.trees.setRemote(id, next.get(id));
        };
        if (batched) journal.trees.batch(ids, work);
        else work();
        for (const id of ids) assert.deepEqual(placed(journal.trees.getRemote(id)), next.get(id));
        const listed = journal.listings.remoteChildren(rootNodeId).map(({ name }) => name);
        const expected = [...next.values()].filter(({ parentId }) => parentId === rootNodeId).map(({ name }) => name);
        assert.deepEqual(listed.sort(), expected.sort());
        journal.close();
      }),
      { numRuns: 60 },
    );
  });
});

function placed(node: { parentId: NodeId; name: string; entry: unknown } | undefined): unknown {
  return node === undefined ? undefined : { parentId: node.parentId, name: node.name, entry: node.entry };
}

function fill(journal: Journal, tree: Tree): void {
  for (const [id, node] of tree) settle(journal, id, node);
}

/** Both sides hold this now, and know it of each other. */
function settle({ trees }: Journal, id: NodeId, node: PlacedEntry | undefined): void {
  trees.setRemote(id, node);
  trees.settle(id, node === undefined ? undefined : { ...node, stat });
}

describe('the mark', () => {
  it('kept up by the changes is that of the whole, and that of the same tree built anew', async () => {
    await fc.assert(
      fc.asyncProperty(aTree, fc.array(changes(20, 8), { maxLength: 4 }), async (tree, scripts) => {
        const journal = createJournal(':memory:', identity);
        fill(journal, tree);
        let now = tree;
        for (const script of scripts) {
          const next = changed(now, script);
          for (const id of new Set([...now.keys(), ...next.keys()])) {
            settle(journal, id, next.get(id));
          }
          now = next;
          assert.equal(await updateSyncedMark(journal), await rebuildSyncedMark(journal));
        }
        journal.close();
      }),
      { numRuns: 40 },
    );
  });

  it('of an empty folder is the empty map’s, and it is not known while trees differ', async () => {
    const journal = createJournal(':memory:', identity);
    assert.equal(await updateSyncedMark(journal), emptyMapRoot);
    journal.trees.setRemote(idOf(1), fileAt(1, 'f', 'x'));
    await assert.rejects(updateSyncedMark(journal));
  });

  it('survives the compaction of the map’s nodes, which drops all others', async () => {
    const journal = createJournal(':memory:', identity);
    for (let n = 1; n <= 300; n++) settle(journal, idOf(n), fileAt(n, `file ${n}`, 'x'));
    const first = await updateSyncedMark(journal);
    settle(journal, idOf(7), undefined);
    const second = await updateSyncedMark(journal);
    const before = journal.mapNodes.count();
    assert.ok(journal.mapNodes.compact([second]) > 0);
    assert.ok(journal.mapNodes.count() < before);
    const edits = [{ key: utf8('key'), value: utf8('value') }];
    assert.notEqual((await mapApply(journal.mapNodes, second, edits)).root, second);
    await assert.rejects(mapApply(journal.mapNodes, first, edits));
  });
});
