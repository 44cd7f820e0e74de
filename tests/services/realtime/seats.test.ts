import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToBase64url } from '../../../shared/core/bytes.ts';
import { bytesToDeviceId, bytesToWorkspaceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { decodeSeats, distinctSeats, encodeSeats } from '../../../shared/services/realtime/seats.ts';

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const seat = fc
  .tuple(id, id)
  .map(([workspace, device]) => ({ workspaceId: bytesToWorkspaceId(workspace), deviceId: bytesToDeviceId(device) }));
const seats = fc.array(seat, { minLength: 1, maxLength: limits.realtimeSeatsMax }).map(distinctSeats);

describe('seats as text', () => {
  it('come back as they went, in their order', () => {
    fc.assert(fc.property(seats, (some) => assert.deepEqual(decodeSeats(encodeSeats(some)), some)));
  });

  it('have one text: whatever else is read is what it is written as', () => {
    const texts = fc.oneof(
      fc.string({ unit: fc.constantFrom('A', 'B', 'a', '0', '9', '-', '_', '=', '+', '/', ' '), maxLength: 90 }),
      fc.uint8Array({ maxLength: 100 }).map(bytesToBase64url),
      fc.tuple(seats, fc.nat(), fc.constantFrom('', 'A', '=', '.')).map(([some, at, put]) => {
        const text = encodeSeats(some);
        const place = at % (text.length + 1);
        return text.slice(0, place) + put + text.slice(place + 1);
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = decodeSeats(text);
        if (read !== undefined) assert.equal(encodeSeats(read), text);
      }),
    );
  });

  it('are none without a seat, with one twice, with too many, and when they are no text', () => {
    const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i >> 5);
    assert.equal(decodeSeats(bytesToBase64url(bytes(32 * limits.realtimeSeatsMax)))?.length, limits.realtimeSeatsMax);
    assert.equal(decodeSeats(bytesToBase64url(bytes(32 * (limits.realtimeSeatsMax + 1)))), undefined);
    for (const bad of ['', bytesToBase64url(new Uint8Array(64)), bytesToBase64url(bytes(33)), 'A'.repeat(1e6)]) {
      assert.equal(decodeSeats(bad), undefined);
    }
    for (const bad of [undefined, null, 7, {}, [bytesToBase64url(bytes(32))]])
      assert.equal(decodeSeats(bad), undefined);
  });
});
