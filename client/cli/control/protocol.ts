/**
 * The control protocol: one JSON object on each line, in UTF-8.
 *
 *     command -> agent   {"id": 1, "action": "sync", "params": {…}}
 *     agent -> command   {"id": 1, "progress": {"event": {…}, "traffic": {…}}}    any number of times
 *                        {"id": 1, "result": …}                                   or
 *                        {"id": 1, "error": {"code", "message", "data"}}          or
 *                        {"id": 1, "ending": true}      the agent is being stopped and has not begun with it: do it yourself
 *
 * A line that is too long or is no such object ends the connection, never the agent.
 */
import {
  type ErrorCode,
  type ErrorData,
  TidemarkError,
  errorCodes,
  isTidemarkError,
} from '../../../shared/core/errors.ts';

export const controlLimits = {
  /** A request names paths, and lists of them. */
  requestBytesMax: 8 * 1024 * 1024,
  /** An answer may list every problem of a folder. */
  replyBytesMax: 256 * 1024 * 1024,
  /** Requests of one connection that are not answered yet. */
  openRequestsMax: 16,
  connectionsMax: 64,
} as const;

export interface ControlRequest {
  readonly id: number;
  readonly action: string;
  readonly params: unknown;
}

export function encodeLine(message: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(message) + '\n';
}

function malformed(detail: string): TidemarkError {
  return new TidemarkError('malformed', `the other side does not speak the control protocol: ${detail}`);
}

export function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new TidemarkError('malformed', 'the other side does not speak the control protocol: no JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('no object');
  return value as Readonly<Record<string, unknown>>;
}

export function parseRequest(line: string): ControlRequest {
  const { id, action, params } = parseObject(line);
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || typeof action !== 'string') throw malformed('no request');
  return { id, action, params: params ?? {} };
}

/** Lines out of pieces of any size. Throws `malformed` as soon as a line is longer than it may be. */
export class LineReader {
  readonly #bytesMax: number;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end in this piece. */
  push(piece: Buffer): string[] {
    const lines: string[] = [];
    let rest = piece;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#keep(rest.subarray(0, end));
      lines.push(Buffer.concat(this.#pieces).toString('utf8'));
      this.#pieces = [];
      this.#length = 0;
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
    return lines;
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > this.#bytesMax) throw malformed('a line is too long');
    if (bytes.length > 0) this.#pieces.push(bytes);
  }
}

export function errorToPlain(error: unknown): Readonly<Record<string, unknown>> {
  if (isTidemarkError(error)) return { code: error.code, message: error.message, data: error.data };
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: detail, data: {} };
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

function isErrorData(value: unknown): value is ErrorData {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function plainToTidemarkError(value: unknown): TidemarkError {
  const { code, message, data } = Object(value) as Readonly<Record<string, unknown>>;
  const text = typeof message === 'string' ? message : 'the agent gave no reason';
  return new TidemarkError(isErrorCode(code) ? code : 'internal', text, { data: isErrorData(data) ? data : {} });
}
