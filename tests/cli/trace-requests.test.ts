/** `--verbose` tells of each request what helps to find it in a log, and nothing that opens a door. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTrace } from '../../client/cli/trace-requests.ts';

function traced(answer: () => Promise<Response>) {
  const lines: string[] = [];
  let ms = 100;
  const transport = withTrace(
    answer,
    (text) => lines.push(text),
    () => (ms += 7),
  );
  return { lines, transport };
}

test('method, place, status, time and id are told; the query of a signed URL is not', async () => {
  const headers = { 'x-correlation-id': 'abc-1' };
  const { lines, transport } = traced(() => Promise.resolve(new Response('', { status: 201, headers })));
  const request = new Request('https://store.example.com/chunks/w/aa/bb.blob?sv=1&sig=s3cret', {
    method: 'PUT',
    headers: { authorization: 'Bearer t0ken' },
  });
  assert.equal((await transport(request)).status, 201);
  assert.deepEqual(lines, ['PUT store.example.com/chunks/w/aa/bb.blob: 201 after 7 ms, request abc-1']);
});

test('a request without an answer is told, and its error goes on', async () => {
  const { lines, transport } = traced(() => Promise.reject(new TypeError('connect https://x/?sig=s3cret')));
  await assert.rejects(transport(new Request('https://x.example.com/api/health')), TypeError);
  assert.deepEqual(lines, ['GET x.example.com/api/health: no answer after 7 ms (TypeError)']);
});
