import type { Log, LogFields } from '../shared/ports/log.ts';
import { type LogLevel, logLevels } from './config.ts';

/** One JSON object a line, on the console, which Azure's worker and the local host collect. Levels below `least` are dropped. */
export function createConsoleLog(least: LogLevel): Log {
  const at = (level: LogLevel) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return () => undefined;
    return (fields: LogFields, message: string): void => console[level](JSON.stringify({ level, message, ...fields }));
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
