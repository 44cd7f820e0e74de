/** The routes of operators, as they are seen by operators and by everybody else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routes } from '../../shared/api/api.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { type FsckResponse, fsckRequest, fsckResponse } from '../../shared/core/wire/admin-fsck.ts';
import { feedState, incidentPage, poisonList } from '../../shared/core/wire/admin-machinery.ts';
import { quarantineDecision, quarantinePage, quarantinedName } from '../../shared/core/wire/admin-quarantine.ts';
import {
  type RebuildIndexResponse,
  rebuildIndexRequest,
  rebuildIndexResponse,
} from '../../shared/core/wire/admin-rebuild-index.ts';
import { putQuotaRequest, usagePage, workspaceUsage } from '../../shared/core/wire/admin-usage.ts';
import type { ValueOf } from '../../shared/core/wire/schema.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { tailChangeFeed } from '../../shared/services/tail-change-feed.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { createFullWorkspace, packIds } from '../services/admin/full-workspace.ts';
import { call, must, mustFail, readProblem } from './world/calls.ts';

const olga = 'olga';
const operatorRoutes = routes.filter(({ path }) => path.startsWith('/operator/'));

describe('the routes of operators', () => {
  it('are not there for anybody else, whatever they send', async () => {
    const { world, workspaceId } = await createFullWorkspace();
    assert.equal(operatorRoutes.length, 10);
    const nowhere = await world.api.handle(
      new Request('https://x.test/api/nowhere', { headers: { authorization: 'Bearer ann' } }),
    );
    const { detail } = await readProblem(nowhere);
    for (const { method, path } of operatorRoutes) {
      const url = `https://x.test/api${path.replace('{ws}', workspaceId)}?workspace=${workspaceId}`;
      for (const body of ['{}', 'no json', '{"workspaceId":7}']) {
        const headers = { authorization: 'Bearer ann', 'content-type': 'application/json' };
        const init = method === 'GET' ? { method, headers } : { method, headers, body };
        const response = await world.api.handle(new Request(url, init));
        const problem = await readProblem(response);
        assert.deepEqual(
          [problem.status, problem.code, problem.detail],
          [404, 'not-found', detail],
          `${method} ${path}`,
        );
      }
      const reader = await world.api.handle(new Request(url, { method, headers: { authorization: 'Bearer reader' } }));
      assert.equal((await readProblem(reader)).code, 'forbidden');
      assert.equal((await readProblem(await world.api.handle(new Request(url, { method })))).code, 'unauthenticated');
    }
  });

  it('answer an operator, who is in no workspace', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const usage = await must(call(world.api, { token: olga, path: '/operator/usage', response: usagePage }));
    assert.deepEqual(
      usage.workspaces.map((each) => [each.workspaceId, each.files]),
      [[workspaceId, 62]],
    );
    const one = await must(
      call(world.api, { token: olga, path: `/operator/usage?workspace=${workspaceId}`, response: usagePage }),
    );
    assert.deepEqual(one.workspaces, usage.workspaces);
    const path = `/operator/workspaces/${workspaceId}/quota`;
    const quota = { filesMax: 62, bytesMax: null };
    const set = await must(
      call(world.api, {
        token: olga,
        method: 'PUT',
        path,
        request: [putQuotaRequest, quota],
        response: workspaceUsage,
      }),
    );
    assert.deepEqual([set.filesMax, set.bytesMax], [62, null]);
    const refused = full.ann.commitPut({ node: 'one more', name: 'one more', text: 'x' });
    await assert.rejects(refused, /quota-exceeded/);
  });

  it('check and rebuild step by step', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const packs = await packIds(full);
    const checkAll = async () => {
      const kinds: string[] = [];
      let cursor = null as string | null;
      let steps = 0;
      do {
        const value: ValueOf<typeof fsckRequest> = { workspaceId, cursor, deep: false, history: false };
        const step: FsckResponse = await must(
          call(world.api, {
            token: olga,
            path: '/operator/fsck',
            request: [fsckRequest, value],
            response: fsckResponse,
          }),
        );
        kinds.push(...step.findings.map(({ kind }) => kind));
        cursor = step.cursor;
        steps++;
      } while (cursor !== null);
      return { kinds: [...new Set(kinds)], steps };
    };
    assert.deepEqual((await checkAll()).kinds, []);
    for (const packId of packs) await world.deps.metadata.chunks.forgetPack(workspaceId, packId);
    assert.deepEqual((await checkAll()).kinds, ['missing-chunk', 'orphan-blob']);
    let cursor = null as string | null;
    let [recorded, steps] = [0, 0];
    do {
      const value: ValueOf<typeof rebuildIndexRequest> = { workspaceId, cursor };
      const request = [rebuildIndexRequest, value] as const;
      const step: RebuildIndexResponse = await must(
        call(world.api, { token: olga, path: '/operator/rebuild-index', request, response: rebuildIndexResponse }),
      );
      recorded += step.recorded;
      cursor = step.cursor;
      steps++;
    } while (cursor !== null);
    assert.equal(recorded, packs.length);
    assert.ok(steps > 2);
    assert.deepEqual((await checkAll()).kinds, []);
    const bad = { workspaceId, cursor: 'x', deep: false, history: false };
    await mustFail(
      call(world.api, { token: olga, path: '/operator/fsck', request: [fsckRequest, bad], response: fsckResponse }),
      'malformed',
    );
  });

  it('list quarantine, release and purge', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const [packId] = await packIds(full);
    assert.ok(packId);
    await world.deps.metadata.chunks.forgetPack(workspaceId, packId);
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, packId)]);
    await world.blobs.put('chunks', packBlobName(workspaceId, packId), utf8('bad'));
    await verifyPack(world.deps, { workspaceId, packId });
    const path = `/operator/quarantine?workspace=${workspaceId}`;
    const page = await must(call(world.api, { token: olga, path, response: quarantinePage }));
    assert.deepEqual(
      page.packs.map((each) => [each.packId, each.isThere]),
      [[packId, true]],
    );
    const request = [quarantinedName, { workspaceId, blobName: page.packs[0]!.blobName }] as const;
    const release = await must(
      call(world.api, { token: olga, path: '/operator/quarantine/release', request, response: quarantineDecision }),
    );
    assert.equal(release.status, 'refused');
    assert.ok(release.reason !== null && release.reason.length > 0);
    const purge = await must(
      call(world.api, { token: olga, path: '/operator/quarantine/purge', request, response: quarantineDecision }),
    );
    assert.deepEqual(purge, { status: 'purged', reason: null });
    await mustFail(
      call(world.api, { token: olga, path: '/operator/quarantine/purge', request, response: quarantineDecision }),
      'not-found',
    );
    await mustFail(
      call(world.api, { token: olga, path: '/operator/quarantine', response: quarantinePage }),
      'malformed',
    );
    const elsewhere = `/operator/quarantine?workspace=${'f'.repeat(32)}`;
    await mustFail(call(world.api, { token: olga, path: elsewhere, response: quarantinePage }), 'not-found');
  });

  it('show the feed, incidents and poison', async () => {
    const full = await createFullWorkspace();
    const { world, workspaceId } = full;
    const [packId] = await packIds(full);
    const run = { owner: 'w', deadlineMs: Number.MAX_SAFE_INTEGER };
    await world.blobs.deleteMany('chunks', [packBlobName(workspaceId, packId!)]);
    await tailChangeFeed(world.deps, run);
    const feed = await must(call(world.api, { token: olga, path: '/operator/feed', response: feedState }));
    assert.deepEqual([feed.shards.length, feed.repairs.length], [4, 1]);
    const path = `/operator/incidents?workspace=${workspaceId}`;
    const { incidents } = await must(call(world.api, { token: olga, path, response: incidentPage }));
    assert.deepEqual(
      incidents.map((each) => [each.kind, each.packId]),
      [['lost', packId]],
    );
    await world.deps.queue.send('quarantine-poison', 'x');
    await world.deps.queue.send('unsettled-poison', 'y');
    const { messages } = await must(call(world.api, { token: olga, path: '/operator/poison', response: poisonList }));
    assert.deepEqual(
      messages.map(({ queue, body }) => [queue, body]),
      [
        ['quarantine-poison', 'x'],
        ['unsettled-poison', 'y'],
      ],
    );
  });
});
