/** Settings of the environment by their names, each checked for the form that it must have. An empty one counts as not set. */
import { TidemarkError } from '../shared/core/errors.ts';
import { type UserId, parseUserId } from '../shared/core/ids.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Each throws `malformed`, naming the setting. */
export interface Settings {
  get(this: void, name: string, fallback: string): string;
  mustGetUrl(this: void, name: string): string;
  oneOf<const Choice extends string>(this: void, name: string, choices: readonly Choice[], fallback: Choice): Choice;
  /** False when it is not set. */
  flag(this: void, name: string): boolean;
  /** A whole number; null for 0, and when it is not set. */
  bound(this: void, name: string): number | null;
  /** User ids separated by commas. */
  users(this: void, name: string): readonly UserId[];
}

/** What is wrong with a setting, in words that follow its name. */
export function wrong(name: string, why: string): TidemarkError {
  return new TidemarkError('malformed', `the setting ${name} ${why}`, { data: { setting: name } });
}

export function readSettings(env: Environment): Settings {
  const get: Settings['get'] = (name, fallback) => {
    const value = env[name];
    return value === undefined || value === '' ? fallback : value;
  };
  const oneOf: Settings['oneOf'] = (name, choices, fallback) => {
    const value = get(name, fallback);
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw wrong(name, `must be one of: ${choices.join(', ')}`);
    return choice;
  };
  return {
    get,
    oneOf,
    mustGetUrl: (name) => {
      const value = get(name, '');
      if (value === '') throw wrong(name, 'is missing');
      if (!URL.canParse(value) || !/^https?:/.test(value)) throw wrong(name, 'must be an http or https URL');
      return value;
    },
    flag: (name) => oneOf(name, ['true', 'false'], 'false') === 'true',
    bound: (name) => {
      const value = get(name, '0');
      const isWhole = /^\d{1,16}$/.test(value) && Number.isSafeInteger(Number(value));
      if (!isWhole) throw wrong(name, 'must be a whole number');
      return Number(value) === 0 ? null : Number(value);
    },
    users: (name) => {
      const names = get(name, '').split(',');
      try {
        return names
          .map((each) => each.trim())
          .filter((each) => each !== '')
          .map(parseUserId);
      } catch (cause) {
        throw new TidemarkError('malformed', `the setting ${name} must be user ids, separated by commas`, { cause });
      }
    },
  };
}
