import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attributes,
  type Meter,
  type MeterProvider,
  type MetricOptions,
  createNoopMeter,
} from '@opentelemetry/api';
import { createOtelMetrics } from '../../shared/adapters/open-telemetry/otel-metrics.ts';

/** A provider that writes down what is made and measured. */
function createFakeProvider() {
  const meters: string[] = [];
  const made: (readonly [kind: string, name: string, unit: string | undefined])[] = [];
  const measured: (readonly [name: string, value: number, attributes: Attributes | undefined])[] = [];
  const measure = (name: string) => (value: number, attributes?: Attributes) =>
    void measured.push([name, value, attributes]);
  const meter: Meter = Object.assign(createNoopMeter(), {
    createCounter: (name: string, options?: MetricOptions) => {
      made.push(['counter', name, options?.unit]);
      return { add: measure(name) };
    },
    createHistogram: (name: string, options?: MetricOptions) => {
      made.push(['histogram', name, options?.unit]);
      return { record: measure(name) };
    },
  });
  const provider: MeterProvider = {
    getMeter: (name) => {
      meters.push(name);
      return meter;
    },
  };
  return { provider, meters, made, measured };
}

test('measurements go to instruments that are made once for each name, with the unit that the name says', () => {
  const { provider, meters, made, measured } = createFakeProvider();
  const metrics = createOtelMetrics({ provider });
  metrics.count('tidemark.commit.count', 1, { result: 'ok' });
  metrics.record('tidemark.request.milliseconds', 12.5, { route: '/health' });
  metrics.count('tidemark.commit.count', 3);
  metrics.record('tidemark.request.milliseconds', 2);
  metrics.record('tidemark.pack.bytes', 16_000_000);
  metrics.record('tidemark.request.charge', 4.29);
  assert.deepEqual(meters, ['tidemark']);
  assert.deepEqual(made, [
    ['counter', 'tidemark.commit.count', undefined],
    ['histogram', 'tidemark.request.milliseconds', 'ms'],
    ['histogram', 'tidemark.pack.bytes', 'By'],
    ['histogram', 'tidemark.request.charge', '{charge}'],
  ]);
  assert.deepEqual(measured, [
    ['tidemark.commit.count', 1, { result: 'ok' }],
    ['tidemark.request.milliseconds', 12.5, { route: '/health' }],
    ['tidemark.commit.count', 3, undefined],
    ['tidemark.request.milliseconds', 2, undefined],
    ['tidemark.pack.bytes', 16_000_000, undefined],
    ['tidemark.request.charge', 4.29, undefined],
  ]);
});

test('one name may be a counter and a distribution', () => {
  const { provider, made } = createFakeProvider();
  const metrics = createOtelMetrics({ provider });
  metrics.count('tidemark.bytes', 1);
  metrics.record('tidemark.bytes', 1);
  assert.deepEqual(
    made.map(([kind]) => kind),
    ['counter', 'histogram'],
  );
});

test('without a provider nothing happens, and nothing throws', () => {
  const metrics = createOtelMetrics();
  metrics.count('tidemark.commit.count', 1);
  metrics.record('tidemark.request.milliseconds', 1);
});
