/** Something that a terminal started and ends. */
export interface Running {
  /** Resolves, with what happened, when a part has ended that should not have. */
  readonly failed: Promise<string>;
  /** Lets what is under way end, then ends all parts. */
  close(): Promise<void>;
}

/**
 * Ends it on Ctrl-C, SIGTERM, the end of its terminal or the loss of a part; a second signal ends the process at once.
 * @param afterLoss what a person reads when a part was lost: what to do, and what is gone.
 */
export function endWithSignals(running: Running, afterLoss: string): void {
  let ending = false;
  const end = (code: number) => {
    if (ending) process.exit(1);
    ending = true;
    void running.close().then(() => process.exit(code));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
  void running.failed.then((what) => {
    if (ending) return;
    console.error(`${what}; stopping. ${afterLoss}`);
    end(1);
  });
}

/** After the loss of a part that writes before it acknowledges. */
export const afterLossOfFiles = 'Start again: nothing acknowledged is lost.';
/** After the loss of Azurite. */
export const afterLossOfAzurite = 'Start again: what was acknowledged in its last five seconds may be lost.';
