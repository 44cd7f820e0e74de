/** The smallest failing history of a seed: with as few kinds of faults, and then as few user operations, as still fail. */
import { type HistoryOptions, type HistoryResult, runHistory } from './history.ts';
import { faultKinds } from './profile.ts';

export interface Shrunk {
  readonly options: HistoryOptions;
  readonly result: HistoryResult;
}

/** The invariant or the error code that a failure names, so that one fault is not taken for another. */
function kindOf(failure: string | null): string | undefined {
  const line = failure?.split('\n')[0];
  return line?.startsWith('I23: ') === true ? line.replace(/^I23: a\d /, '').slice(0, 40) : line?.split(':')[0];
}

export async function shrink(options: HistoryOptions, failed: HistoryResult): Promise<Shrunk> {
  let best: Shrunk = { options: { ...options, onTrace: undefined }, result: failed };
  const attempt = async (next: HistoryOptions): Promise<boolean> => {
    const result = await runHistory(next);
    if (kindOf(result.failure) !== kindOf(failed.failure)) return false;
    best = { options: next, result };
    return true;
  };
  for (const kind of faultKinds) {
    const without = new Set([...(best.options.without ?? []), kind]);
    await attempt({ ...best.options, without });
  }
  for (let operations = 1; operations < best.result.profile.operations; operations++) {
    if (await attempt({ ...best.options, operations })) break;
  }
  return best;
}
