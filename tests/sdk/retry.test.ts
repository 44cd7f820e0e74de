import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RetryPolicy, type Waiter, withRetry } from '../../client/sdk/retry.ts';
import { RetryBudget } from '../../client/sdk/retry-budget.ts';
import { TidemarkError } from '../../shared/core/errors.ts';

const policy: RetryPolicy = { attempts: 4, baseMs: 100, capMs: 250, retryAfterMaxMs: 5_000 };
const signal = new AbortController().signal;

function recordingWaiter(random: number): { waiter: Waiter; waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    waiter: {
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      random: () => random,
    },
  };
}

test('waits grow, are capped, and are scaled by chance', async () => {
  const { waiter, waits } = recordingWaiter(0.5);
  const failing = withRetry(policy, waiter, signal, () => Promise.reject(new TidemarkError('busy', 'later')));
  await assert.rejects(failing, { code: 'busy' });
  assert.deepEqual(waits, [50, 100, 125]);
});

test("the server's Retry-After is waited for, plus chance, so that many clients do not come back together", async () => {
  const { waiter, waits } = recordingWaiter(0.25);
  let calls = 0;
  const answer = await withRetry(policy, waiter, signal, () => {
    calls++;
    return calls === 1
      ? Promise.reject(new TidemarkError('rate-limited', 'slow down', { data: { retryAfterMs: 2_000 } }))
      : Promise.resolve('done');
  });
  assert.equal(answer, 'done');
  assert.deepEqual(waits, [2_025]);
});

test('a server that limits us is borne longer than one that fails, but not for ever', async () => {
  const { waiter, waits } = recordingWaiter(0.5);
  const limited = () => Promise.reject(new TidemarkError('rate-limited', 'slow', { data: { retryAfterMs: 1_000 } }));
  await assert.rejects(withRetry(policy, waiter, signal, limited), { code: 'rate-limited' });
  assert.equal(waits.length, 10 * policy.attempts - 1);
  assert.ok(waits.every((ms) => ms > 1_000 && ms <= 1_000 + policy.capMs));

  // Without a word of when to come back it is a failure like any other.
  const mute = recordingWaiter(0);
  const refused = () => Promise.reject(new TidemarkError('rate-limited', 'slow'));
  await assert.rejects(withRetry(policy, mute.waiter, signal, refused), { code: 'rate-limited' });
  assert.equal(mute.waits.length, policy.attempts - 1);
});

test('a wait longer than a person would bear goes to the caller', async () => {
  const { waiter, waits } = recordingWaiter(0);
  const asked = new TidemarkError('busy', 'maintenance', { data: { retryAfterMs: 3_600_000 } });
  await assert.rejects(
    withRetry(policy, waiter, signal, () => Promise.reject(asked)),
    asked,
  );
  assert.deepEqual(waits, []);
});

test('an error that will not pass is not tried again', async () => {
  const { waiter } = recordingWaiter(0);
  let calls = 0;
  const attempt = () => {
    calls++;
    return Promise.reject(new TidemarkError('forbidden', 'no'));
  };
  await assert.rejects(withRetry(policy, waiter, signal, attempt), { code: 'forbidden' });
  assert.equal(calls, 1);
});

test('an aborted signal ends it before the next attempt', async () => {
  const controller = new AbortController();
  const { waiter } = recordingWaiter(0);
  let calls = 0;
  const attempt = () => {
    calls++;
    controller.abort(new Error('stopped'));
    return Promise.reject(new TidemarkError('busy', 'later'));
  };
  await assert.rejects(withRetry(policy, waiter, controller.signal, attempt), /stopped/);
  assert.equal(calls, 1);
});

test('a shared budget: while a server is away requests are soon sent once, and again as often when it is back', async () => {
  const { waiter } = recordingWaiter(0);
  const budgeted = { ...policy, budget: new RetryBudget() };
  let isAway = true;
  let sent = 0;
  const request = () =>
    withRetry(budgeted, waiter, signal, () => {
      sent++;
      return isAway ? Promise.reject(new TidemarkError('unavailable', 'away')) : Promise.resolve('done');
    });
  for (let i = 0; i < 100; i++) await assert.rejects(request(), { code: 'unavailable' });
  assert.equal(sent, 120, 'a hundred requests and twenty retries');
  isAway = false;
  for (let i = 0; i < 6; i++) await request();
  isAway = true;
  sent = 0;
  await assert.rejects(request());
  assert.equal(sent, 4, 'three retries were earned');
});
