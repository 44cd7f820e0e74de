/**
 * What can be asked about a linked folder. An action runs where the folder's agent is: in the process of `tide watch` if one holds the folder,
 * else in the command's own. So parameters and result are plain JSON, and nothing in them is believed: other processes of this user send
 * them.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { ProgressEvent } from '../../agent/engine/report.ts';
import type { Agent } from '../agent.ts';
import type { Traffic } from '../connection.ts';

export interface ActionControl {
  readonly signal: AbortSignal;
  /** It runs beside whoever has the folder's turn, so the engine is not to be run. */
  readonly isAside?: boolean;
  /** Traffic: what has crossed the wire for this action so far. */
  readonly progress: (event: ProgressEvent, traffic: Traffic) => void;
}

export interface AgentAction<Params, Result> {
  /** In the control protocol: lower case, `-` between words. */
  readonly name: string;
  /**
   * False: it only tells, or sets a single value, and is answered at once, also while the folder is being synced. By default it waits
   * for its turn.
   */
  readonly exclusive?: false;
  /** The parameters out of parsed JSON; throws `malformed`. */
  readonly parse: (value: unknown) => Params;
  /**
   * The folder is this action's alone while it runs, if it is exclusive. The result survives JSON.stringify unchanged. If the agent is
   * killed in the middle, the command runs the action again itself: so it must be harmless to run twice.
   */
  readonly run: (agent: Agent, params: Params, control: ActionControl) => Promise<Result>;
}

/** Keeps the types of parameters and result together. */
export function defineAction<Params, Result>(action: AgentAction<Params, Result>): AgentAction<Params, Result> {
  return action;
}

/** An object with these members and no others; throws `malformed`. */
export function parseParams(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('they are not an object');
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw malformed(`"${unknown}" is not known`);
  return value as Readonly<Record<string, unknown>>;
}

export function parseFlag(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw malformed(`"${name}" is not true or false`);
  return value ?? false;
}

export function parseText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformed(`"${name}" is not a text`);
  return value;
}

/** At least one text, and not more than a person would name. */
export function parseTexts(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 10_000) throw malformed(`"${name}" is not a list`);
  return value.map((item) => parseText(item, name));
}

function malformed(detail: string): TidemarkError {
  return new TidemarkError('malformed', `the parameters of the action are not of their form: ${detail}`);
}
