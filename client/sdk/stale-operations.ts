import type { TidemarkError } from '../../shared/core/errors.ts';
import { type StaleOperation, textToStaleOperation } from '../../shared/core/wire/stale-base.ts';

/**
 * What the refusal `stale-base` tells of the head: the first of the operations that it met, as many as `isWhole` says are all. Empty
 * on any other error. Throws `malformed` on what no server of this protocol sends.
 */
export function staleOperationsOf({ code, data }: TidemarkError): {
  readonly operations: readonly StaleOperation[];
  readonly isWhole: boolean;
} {
  const texts = data['stale'];
  const operations = code === 'stale-base' && Array.isArray(texts) ? texts.map(String).map(textToStaleOperation) : [];
  return { operations, isWhole: operations.length === data['count'] };
}
