/**
 * Every route against everybody who may ask: a written table says who gets which status, and a route that is not in it fails. Who
 * is refused has changed nothing, and cannot tell a workspace of others from one that was never there.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routes } from '../../shared/api/api.ts';
import { type WorkspaceId } from '../../shared/core/ids.ts';
import {
  type Actor,
  type ActorName,
  type MatrixWorld,
  actorNames,
  bearerOf,
  createMatrixWorld,
  deleteWorkspace,
} from './authorisation/actors.ts';
import { requests, toRequest } from './authorisation/requests.ts';
import type { Subject } from './authorisation/subject.ts';

/**
 * All are about ann's workspace. `owner` is ann, `editor` and `viewer` have these roles there, `removed` had one, `stranger` has a workspace
 * of her own, and `operator` runs the service. All their tokens have all scopes, but: `-read`, `-write` and `-admin` say that theirs lacks
 * that one. `revoked` is the owner on a device that she revoked. `del-` is who they are after the workspace was deleted.
 */
const expectations = `
                                             owner editor viewer removed stranger operator nobody garbage -read -write -admin revoked del-own del-ed del-op
POST /workspaces                             200   200    200    200     200      200      401    401     200   403    200    403     200     200    200
GET /workspaces                              200   200    200    200     200      200      401    401     403   200    200    403     200     200    200
GET /workspaces/{ws}                         200   200    200    404     404      404      401    401     403   200    404    403     200     404    404
PATCH /workspaces/{ws}                       200   403    403    404     404      404      401    401     200   403    404    403     200     404    404
DELETE /workspaces/{ws}                      200   403    403    404     404      404      401    401     200   403    404    403     200     404    404
GET /workspaces/{ws}/members                 200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
PUT /workspaces/{ws}/members/{userId}        200   403    403    404     404      404      401    401     200   403    404    403     404     404    404
DELETE /workspaces/{ws}/members/{userId}     200   200    403    404     404      404      401    401     200   403    404    403     404     404    404
POST /devices                                200   200    200    200     200      200      401    401     200   403    200    403     200     200    200
GET /devices                                 200   200    200    200     200      200      401    401     403   200    200    403     200     200    200
DELETE /devices/{device}                     200   200    200    200     200      200      401    401     200   403    200    403     200     200    200
POST /upload/session                         200   200    403    404     404      404      401    401     200   403    404    403     404     404    404
GET /upload/session/{session}                200   200    403    404     404      404      401    401     200   403    404    403     404     404    404
POST /download/session                       200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
POST /manifest/commit                        200   200    403    404     404      404      401    401     200   403    404    403     404     404    404
POST /manifest/read                          200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
POST /manifest/proof                         200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
POST /manifest/verify                        200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
GET /workspaces/{ws}/changes                 200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
GET /workspaces/{ws}/tree                    200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
POST /tree/sync                              200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
GET /workspaces/{ws}/nodes/{node}/versions   200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
POST /workspaces/{ws}/restore                200   200    403    404     404      404      401    401     200   403    404    403     404     404    404
POST /realtime/negotiate                     200   200    200    200     200      200      401    401     403   200    200    403     200     200    200
GET /workspaces/{ws}/presence                200   200    200    404     404      404      401    401     403   200    404    403     404     404    404
GET /operator/usage                          404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
PUT /operator/workspaces/{ws}/quota          404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
POST /operator/fsck                          404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
POST /operator/rebuild-index                 404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
GET /operator/quarantine                     404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
POST /operator/quarantine/release            404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
POST /operator/quarantine/purge              404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
GET /operator/incidents                      404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
GET /operator/feed                           404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
GET /operator/poison                         404   404    404    404     404      200      401    401     404   404    403    403     404     404    200
GET /health                                  200   200    200    200     200      200      200    200     200   200    200    200     200     200    200
GET /.well-known/tidemark-configuration      200   200    200    200     200      200      200    200     200   200    200    200     200     200    200
GET /.well-known/tidemark-keys.json          200   200    200    200     200      200      200    200     200   200    200    200     200     200    200
GET /openapi.json                            200   200    200    200     200      200      200    200     200   200    200    200     200     200    200
GET /docs                                    200   200    200    200     200      200      200    200     200   200    200    200     200     200    200
`;

type Row = readonly [route: string, statuses: ReadonlyMap<ActorName, number>];

function parseTable(text: string): readonly Row[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [method, path, ...cells] = line.split(/\s+/) as [string, string, ...string[]];
      assert.equal(cells.length, actorNames.length, line);
      return [`${method} ${path}`, new Map(actorNames.map((name, i) => [name, Number(cells[i])]))] as const;
    });
}

const table = parseTable(expectations);

/** ann's things; the device and session of who asks, where they have one. */
function subjectFor(ann: Subject, { deviceId, sessionId }: Actor): Subject {
  return { ...ann, ...(deviceId === undefined ? {} : { deviceId }), ...(sessionId === undefined ? {} : { sessionId }) };
}

function ask({ world }: MatrixWorld, route: string, actor: Actor, subject: Subject): Promise<Response> {
  const token = actor.token === null ? null : bearerOf(actor.token);
  return world.api.handle(toRequest(route, requests[route]!(subject), token, actor.headers));
}

/** All that a caller sees, less what is new in every answer. */
async function seen(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== 'x-correlation-id' && name !== 'traceparent');
  const body = (await response.text()).replaceAll(/"correlationId":"[^"]*"/g, '');
  return JSON.stringify([response.status, headers, body]);
}

const absent = 'ab'.repeat(16) as WorkspaceId;

/** Deleted workspaces are asked for in a world of their own. */
async function worldFor(actor: ActorName): Promise<MatrixWorld> {
  const matrix = await createMatrixWorld();
  if (matrix.actors[actor].afterDeletion === true) await deleteWorkspace(matrix);
  return matrix;
}

describe('the table', () => {
  const known = routes.map(({ method, path }) => `${method} ${path}`).sort();

  it('has a row for every route and none besides, as have the requests', () => {
    assert.deepEqual(table.map(([route]) => route).sort(), known);
    assert.deepEqual(Object.keys(requests).sort(), known);
  });
});

describe('who may', () => {
  for (const name of actorNames) {
    it(`${name}: is answered as the table says; who is refused has changed nothing`, async () => {
      let matrix = await worldFor(name);
      for (const [route, statuses] of table) {
        const expected = statuses.get(name)!;
        const actor = matrix.actors[name];
        const response = await ask(matrix, route, actor, subjectFor(matrix.ann, actor));
        const body = await response.text();
        assert.equal(response.status, expected, `${route}: ${body.slice(0, 300)}`);
        if (expected >= 400) {
          const { code } = JSON.parse(body) as { code: string };
          assert.equal(code === 'revoked', name === 'revoked', `${route}: ${code}`);
          assert.deepEqual(matrix.writes, [], route);
          assert.doesNotMatch(body, /secret-of/, route);
        } else if (!route.startsWith('GET')) matrix = await worldFor(name);
        matrix.writes.length = 0;
      }
    });
  }
});

describe('a workspace of others', () => {
  const outsiders = actorNames.filter((name) => !['owner', 'nobody', 'garbage'].includes(name));

  for (const name of outsiders) {
    it(`${name}: is as one that was never there, wherever the answer is that it is not there`, async () => {
      const matrix = await worldFor(name);
      const actor = matrix.actors[name];
      let compared = 0;
      for (const [route, statuses] of table) {
        if (statuses.get(name) !== 404) continue;
        const subject = subjectFor(matrix.ann, actor);
        const there = await seen(await ask(matrix, route, actor, subject));
        assert.equal(there, await seen(await ask(matrix, route, actor, { ...subject, workspaceId: absent })), route);
        if (route.includes('/operator/')) {
          const path = '/operator/no-such-route';
          const token = bearerOf(actor.token!);
          assert.equal(there, await seen(await matrix.world.api.handle(toRequest('GET /', { path }, token))), route);
        }
        compared++;
      }
      if (!['operator', 'deleted-operator', 'operator-admin', 'revoked', 'deleted-owner'].includes(name)) {
        assert.ok(compared >= 10, `${compared}`);
      }
    });
  }
});
