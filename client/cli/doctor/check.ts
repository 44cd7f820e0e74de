/** What a check of `tide doctor` says. */
import { errorToText } from '../errors.ts';

export interface Finding {
  /** `warn`: works, and may not for long or not as well as it could; `fail`: does not work. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; null where there is nothing to do. */
  readonly advice: string | null;
}

export interface Checked extends Finding {
  readonly check: string;
}

export const ok = (detail: string): Finding => ({ state: 'ok', detail, advice: null });
export const warn = (detail: string, advice: string): Finding => ({ state: 'warn', detail, advice });
export const fail = (detail: string, advice: string): Finding => ({ state: 'fail', detail, advice });

/** A check that breaks is a finding too: no check keeps another from being made. */
export async function runCheck(check: string, find: () => Finding | Promise<Finding>): Promise<Checked> {
  try {
    return { check, ...(await find()) };
  } catch (error) {
    return {
      check,
      ...fail(errorToText(error), 'see the other findings; with TIDE_DEBUG=1 and --verbose there is more'),
    };
  }
}
