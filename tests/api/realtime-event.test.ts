/** Events of realtime connections as the trigger gives them: what is missing or of another form is no connection, and never an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toConnectInput, toConnection, toReportInput } from '../../functions/realtime-event.ts';

const connectionContext = { connectionId: 'c', userId: 'issuer|ann', states: { seats: 'AAAA' } };

test('an event of a connection is read, and what else is in it is left', () => {
  const connection = { connectionId: 'c', userHeader: 'issuer|ann', states: { seats: 'AAAA' } };
  assert.deepEqual(
    toConnection({ connectionContext: { ...connectionContext, hub: 'tidemark' }, reason: 'gone' }),
    connection,
  );
  assert.deepEqual(toConnection({ connectionContext: { ...connectionContext, states: null } })?.states, {});
  assert.deepEqual(toReportInput({ connectionContext, data: '{}', dataType: 'Json' }), { connection, data: '{}' });
  assert.deepEqual(
    toConnectInput({ connectionContext, claims: { role: ['a', 'b'] }, query: { seats: ['AAAA'], odd: 'x' } }),
    {
      userHeader: 'issuer|ann',
      claims: { role: ['a', 'b'] },
      query: { seats: ['AAAA'], odd: ['x'] },
    },
  );
});

test('values that are no texts are left out of claims and query', () => {
  const input = toConnectInput({ connectionContext, claims: { role: ['a', 1, null, ['b']] }, query: [] });
  assert.deepEqual([input?.claims, input?.query], [{ role: ['a'] }, {}]);
});

test('an event needs an id, and no header of its user', () => {
  for (const userId of [null, undefined, 7]) {
    assert.equal(toConnection({ connectionContext: { ...connectionContext, userId } })?.userHeader, null);
  }
  for (const lacking of [{ connectionId: '' }, { connectionId: 1 }, { connectionId: null }]) {
    const event = { connectionContext: { ...connectionContext, ...lacking }, data: '{}' };
    assert.deepEqual(
      [toConnection(event), toConnectInput(event), toReportInput(event)],
      [undefined, undefined, undefined],
    );
  }
});

test('nothing that may arrive is an error', () => {
  const context = fc.record({ connectionId: fc.anything(), userId: fc.anything(), states: fc.anything() });
  const event = fc.oneof(
    fc.anything(),
    fc.record({ connectionContext: fc.oneof(context, fc.anything()), claims: fc.anything(), query: fc.anything() }),
  );
  fc.assert(
    fc.property(event, (value) => {
      const [connection, input] = [toConnection(value), toConnectInput(value)];
      assert.equal(input?.userHeader, connection?.userHeader);
      for (const values of [input?.claims, input?.query]) {
        assert.ok(
          Object.values(values ?? {})
            .flat()
            .every((each) => typeof each === 'string'),
        );
      }
    }),
  );
});
