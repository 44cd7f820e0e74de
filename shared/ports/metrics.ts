/** Measurements. Attributes are few and from small sets (a route, a status, a result): never ids, names or paths. */
export type MetricAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Metrics {
  /** Adds to a counter. Names are dotted, `tidemark.commit.count`. */
  count(name: string, amount: number, attributes?: MetricAttributes): void;
  /** One value of a distribution; the unit is the name's last part: `tidemark.request.milliseconds`. */
  record(name: string, value: number, attributes?: MetricAttributes): void;
}

const nothing = (): void => {};
export const noMetrics: Metrics = { count: nothing, record: nothing };
