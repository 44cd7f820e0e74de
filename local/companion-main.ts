/**
 * The child's side of a part of the stack that is a process of its own: says `{ready: true, …}` to its parent when it serves,
 * or `{ready: false, message}`, with exit code 1, when it cannot; ends, after its requests, on SIGTERM, SIGINT, or when its parent
 * has gone, however that went.
 */
import process from 'node:process';

export interface StartedPart<Ready extends object> {
  readonly ready: Ready;
  /** Lets requests under way end, and keeps what must be kept. */
  stop(): Promise<void>;
}

/** Says to the parent, or else on stderr, why it cannot start. What was started by then ends with the process. */
function giveUp(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const end = (): never => process.exit(1);
  if (process.send === undefined) process.stderr.write(`${message}\n`, end);
  else process.send({ ready: false, message }, end);
}

function endWhenAsked(stop: () => Promise<void>): void {
  let stopping = false;
  const end = (): void => {
    if (stopping) return;
    stopping = true;
    void stop().finally(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('disconnect', end);
  // The parent may have ended while this one began.
  if (process.send !== undefined && !process.connected) end();
}

/** Starts the part, tells the parent, and ends it when it is asked to. */
export async function runCompanion<Ready extends object>(start: () => Promise<StartedPart<Ready>>): Promise<void> {
  try {
    const part = await start();
    endWhenAsked(() => part.stop());
    if (process.connected) process.send?.({ ready: true, ...part.ready });
  } catch (error) {
    giveUp(error);
  }
}
