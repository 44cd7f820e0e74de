/** Inline route constraints such as `{id:guid}` and `{n:range(1,9)}`, as ASP.NET Core, and so the real host, knows them. */
import { TidemarkError } from '../../shared/core/errors.ts';

export type RouteConstraint = (value: string) => boolean;

type ConstraintFactory = (args: readonly number[], text: string) => RouteConstraint;

const matching =
  (pattern: RegExp): ConstraintFactory =>
  () =>
  (value) =>
    pattern.test(value);
const integer = /^[+-]?\d{1,19}$/;
const real = matching(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i);

const factories: Readonly<Record<string, ConstraintFactory>> = {
  alpha: matching(/^[a-z]*$/i),
  bool: matching(/^(true|false)$/i),
  datetime: () => (value) => !Number.isNaN(Date.parse(value)),
  decimal: real,
  double: real,
  float: real,
  guid: matching(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i),
  int: () => (value) => integer.test(value) && Math.abs(Number(value)) <= 2 ** 31 - 1,
  length:
    ([min = 0, max = min]) =>
    (value) =>
      value.length >= min && value.length <= max,
  long: matching(integer),
  max:
    ([max = 0]) =>
    (value) =>
      integer.test(value) && Number(value) <= max,
  maxlength:
    ([max = 0]) =>
    (value) =>
      value.length <= max,
  min:
    ([min = 0]) =>
    (value) =>
      integer.test(value) && Number(value) >= min,
  minlength:
    ([min = 0]) =>
    (value) =>
      value.length >= min,
  range:
    ([min = 0, max = 0]) =>
    (value) =>
      integer.test(value) && Number(value) >= min && Number(value) <= max,
  regex: (_args, text) => matching(new RegExp(text, 'i'))([], text),
  required: () => (value) => value !== '',
};

/**
 * @param text one constraint, as `int`, `length(3,9)` or `regex(^a)`.
 * @throws TidemarkError `unsupported` for a name that the real host would refuse too.
 */
export function parseConstraint(text: string): RouteConstraint {
  const parts = /^(?<name>[a-z]+)(\((?<args>.*)\))?$/i.exec(text);
  const name = (parts?.groups?.['name'] ?? '').toLowerCase();
  const factory = Object.hasOwn(factories, name) ? factories[name] : undefined;
  if (factory === undefined) throw new TidemarkError('unsupported', `The route constraint "${text}" is not known.`);
  const args = parts?.groups?.['args'] ?? '';
  return factory(args === '' ? [] : args.split(',').map(Number), args);
}
