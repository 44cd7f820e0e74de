/** Progress of an agent together with what has crossed the wire meanwhile. */
import type { ProgressEvent } from '../../agent/engine/report.ts';
import type { ActionControl } from '../actions/action.ts';
import type { Agent } from '../agent.ts';
import { trafficSince } from '../connection.ts';

/** How often the last step is told again with what has crossed the wire by now, in milliseconds: a large file is one step. */
const trafficMs = 200;

/** Tells of what the agent does until the function that it returns is called. */
export function followProgress({ connection, onProgress }: Agent, show: ActionControl['progress']): () => void {
  const before = { ...connection.traffic };
  let last: ProgressEvent | undefined;
  const tell = (): void => {
    if (last !== undefined) show(last, trafficSince(connection.traffic, before));
  };
  const stopListening = onProgress((event) => {
    last = event;
    tell();
  });
  const timer = setInterval(tell, trafficMs).unref();
  return () => {
    clearInterval(timer);
    stopListening();
  };
}
