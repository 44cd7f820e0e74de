/** What the pool and its workers say to each other, and how an error keeps its meaning on the way. */
import {
  type ErrorCode,
  type ErrorData,
  TidemarkError,
  errorCodes,
  isTidemarkError,
} from '../../../shared/core/errors.ts';
import { fileErrorCode } from '../folder/file-problem.ts';

export interface TaskRequest {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export interface PlainError {
  readonly message: string;
  /** Of a TidemarkError. */
  readonly code: ErrorCode | null;
  readonly data: ErrorData;
  /** Of a file error: ENOSPC, EIO … */
  readonly fileCode: string | null;
}

export type TaskReply =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: PlainError };

/** Structured cloning keeps neither an error's class nor its code. */
export function errorToPlain(error: unknown): PlainError {
  const message = error instanceof Error ? error.message : String(error);
  const isOurs = isTidemarkError(error);
  return {
    message,
    code: isOurs ? error.code : null,
    data: isOurs ? error.data : {},
    fileCode: fileErrorCode(error) ?? null,
  };
}

export function plainToError({ message, code, data, fileCode }: PlainError): Error {
  if (code !== null && Object.hasOwn(errorCodes, code)) return new TidemarkError(code, message, { data });
  const error = new Error(message);
  return fileCode === null ? error : Object.assign(error, { code: fileCode });
}

/**
 * The buffers of an output that can be handed over instead of copied: those that one of its fields views whole, each once.
 * Shared memory is shared anyway.
 */
export function transferable(output: unknown): ArrayBuffer[] {
  if (typeof output !== 'object' || output === null) return [];
  const buffers = new Set<ArrayBuffer>();
  for (const value of Object.values(output) as unknown[]) {
    if (!ArrayBuffer.isView(value) || !(value.buffer instanceof ArrayBuffer)) continue;
    if (value.byteLength === value.buffer.byteLength && value.byteLength > 0) buffers.add(value.buffer);
  }
  return [...buffers];
}
