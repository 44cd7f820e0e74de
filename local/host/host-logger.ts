/** What the host asks of a logger: pino's first three methods fit as they are. */
export interface HostLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const secretParameters = /\b(sig|code|token|access_token|key)=[^&\s"'<>]+/gi;

/**
 * An error as log text: its stack, with the values of secret query parameters cut out, because errors of storage
 * clients quote whole signed URLs.
 */
export function errorToLogText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.replaceAll(secretParameters, '$1=(cut)');
}
