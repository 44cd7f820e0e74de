/** Measurements as OpenTelemetry instruments; what becomes of them is the business of whoever set the meter provider. */
import { type Counter, type Histogram, type Meter, type MeterProvider, metrics } from '@opentelemetry/api';
import type { Metrics } from '../../ports/metrics.ts';

/** Names of this port's units, and what UCUM calls them. */
const ucum: Readonly<Record<string, string>> = { milliseconds: 'ms', seconds: 's', bytes: 'By' };

/** The unit is the name's last part; what UCUM does not know is written as its annotation. */
function unitOf(name: string): string {
  const part = name.slice(name.lastIndexOf('.') + 1);
  return ucum[part] ?? `{${part}}`;
}

/**
 * Instruments are made at their first use, once for each name, of the meter `tidemark`. The API hands out meters that do
 * nothing until a provider is set: set it before the first measurement.
 */
export function createOtelMetrics(options: { readonly provider?: MeterProvider } = {}): Metrics {
  let known: Meter | undefined;
  const meter = () => (known ??= (options.provider ?? metrics.getMeterProvider()).getMeter('tidemark'));
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();

  function mustGet<Instrument>(made: Map<string, Instrument>, name: string, make: () => Instrument): Instrument {
    const instrument = made.get(name) ?? make();
    made.set(name, instrument);
    return instrument;
  }

  return {
    count: (name, amount, attributes) =>
      mustGet(counters, name, () => meter().createCounter(name)).add(amount, attributes),
    record: (name, value, attributes) =>
      mustGet(histograms, name, () => meter().createHistogram(name, { unit: unitOf(name) })).record(value, attributes),
  };
}
