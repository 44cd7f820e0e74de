/** What a transport does when its caller is told to stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilAnswered } from '../../client/sdk/transport.ts';

test('a request that was sent is answered though its caller stops; one that was not is not sent', async () => {
  const stop = new AbortController();
  const arrived: Request[] = [];
  const answer = Promise.withResolvers<Response>();
  const transport = untilAnswered(
    (request) => {
      arrived.push(request);
      return answer.promise;
    },
    () => new AbortController().signal,
  );
  const ask = (text: string) =>
    transport(new Request('https://a.example.com/', { method: 'POST', body: text, signal: stop.signal }));
  const sent = ask('pack');
  stop.abort(new Error('stopped'));
  await assert.rejects(ask('another'), /stopped/);
  assert.deepEqual([arrived.length, arrived[0]!.signal.aborted, await arrived[0]!.text()], [1, false, 'pack']);
  answer.resolve(new Response('stored'));
  assert.equal(await (await sent).text(), 'stored');
});

test('an answer that does not come is waited for as long as patience lasts, counted from the stop', async () => {
  const stop = new AbortController();
  const patience = new AbortController();
  let asked = 0;
  const transport = untilAnswered(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    () => (asked++, patience.signal),
  );
  const sent = transport(new Request('https://a.example.com/', { signal: stop.signal }));
  const ended = assert.rejects(sent, /stopped by a person/);
  assert.equal(asked, 0);
  stop.abort(new Error('stopped by a person'));
  assert.equal(asked, 1);
  patience.abort();
  await ended;
});
