/** The engine's log as lines for `--verbose`. */
import type { EngineNeeds } from '../agent/engine/needs.ts';

/** `synced rounds=2 upToDate=true problems=0`. */
export function createTraceLog(trace: (text: string) => void): EngineNeeds['log'] {
  const tell: EngineNeeds['log']['info'] = (fields, message) => {
    trace([message, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' '));
  };
  return { debug: tell, info: tell, warn: tell };
}
