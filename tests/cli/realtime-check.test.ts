/** What `tide doctor` makes of the realtime service: never more than a warning, and nothing left open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndReason, JoinResult, OpenSocket } from '../../client/agent/realtime/socket.ts';
import { type RealtimeProbe, checkAgentRealtime, checkRealtime } from '../../client/cli/doctor/realtime-check.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseDeviceId, parseWorkspaceId } from '../../shared/core/ids.ts';
import type { NegotiateResponse } from '../../shared/core/wire/realtime-negotiate.ts';

const seat = { workspaceId: parseWorkspaceId('1'.repeat(32)), deviceId: parseDeviceId('2'.repeat(32)) };
const never = new Promise<never>(() => undefined);

interface Played {
  readonly answer?: Partial<NegotiateResponse> | TidemarkError;
  readonly ends?: EndReason;
  readonly joins?: JoinResult | Promise<never>;
  readonly patience?: Promise<unknown>;
}

async function check({ answer = {}, ends, joins = 'joined', patience = never }: Played) {
  let open = 0;
  const groups: string[] = [];
  const openSocket: OpenSocket = (_url, events) => {
    open++;
    queueMicrotask(() => (ends === undefined ? events.opened() : events.ended(ends, 0)));
    return {
      join: async (group) => {
        groups.push(group);
        return joins;
      },
      send: () => assert.fail('the device would be shown as here, and then as away'),
      close: async () => void open--,
    };
  };
  const probe: RealtimeProbe = {
    seat,
    negotiate: async (seats) => {
      if (answer instanceof TidemarkError) throw answer;
      return { url: 'wss://a.example/client', expiresMs: 1, seats: [...seats], ...answer };
    },
    openSocket,
    patience,
  };
  const finding = await checkRealtime(probe);
  assert.equal(open, 0);
  return { finding, groups };
}

test('a connection is opened, its group joined, and closed', async () => {
  const { finding, groups } = await check({});
  assert.equal(finding.state, 'ok');
  assert.deepEqual(groups, [`ws-${seat.workspaceId}`]);
});

test('a server that has none, or knows of none, is fine', async () => {
  assert.equal((await check({ answer: { url: null, expiresMs: null, seats: [] } })).finding.state, 'ok');
  assert.equal((await check({ answer: new TidemarkError('not-found', 'no such route') })).finding.state, 'ok');
});

test('what does not work is a warning that says what to do', async () => {
  const played: readonly Played[] = [
    { answer: new TidemarkError('unavailable', 'away') },
    { answer: { url: 'https://a.example/client' } },
    { ends: 'unreachable' },
    { ends: 'refused' },
    { joins: 'refused' },
    { joins: 'failed' },
    { joins: never, patience: Promise.resolve() },
  ];
  for (const each of played) {
    const { finding } = await check(each);
    assert.equal(finding.state, 'warn', JSON.stringify(each));
    assert.ok(finding.advice !== null && finding.advice.length > 10);
  }
});

test('an agent that watches is asked instead; one that is not connected may have nothing to connect to', async () => {
  const silent = { seat, negotiate: () => assert.fail('the agent knows') };
  for (const mode of ['live', 'off'] as const) assert.equal((await checkAgentRealtime(mode, silent)).state, 'ok');
  for (const [url, state] of [
    ['wss://a.example/client', 'warn'],
    [null, 'ok'],
  ] as const) {
    const negotiate = async () => ({ url, expiresMs: url === null ? null : 1, seats: [] });
    assert.equal((await checkAgentRealtime('polling', { seat, negotiate })).state, state);
  }
});
