/** A part that has ended and should not have. */
export interface Loss {
  readonly what: string;
  /** What a person reads after that: what to do, and what is gone. */
  readonly advice: string;
}

/** Something that a terminal started and ends. */
export interface Running {
  /** Resolves when a part has ended that should not have. */
  readonly failed: Promise<Loss>;
  /** Lets what is under way end, then ends all parts. */
  close(): Promise<void>;
}

/** Ends it on Ctrl-C, SIGTERM, the end of its terminal or the loss of a part; a second signal ends the process at once. */
export function endWithSignals(running: Running): void {
  let ending = false;
  const end = (code: number) => {
    if (ending) process.exit(1);
    ending = true;
    void running.close().then(() => process.exit(code));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
  void running.failed.then(({ what, advice }) => {
    if (ending) return;
    console.error(`${what}; stopping. ${advice}`);
    end(1);
  });
}

/** Of a part that writes before it acknowledges, or that keeps nothing. */
export function lossOf(part: string): Loss {
  return { what: `${part} has ended`, advice: 'Start again: nothing acknowledged is lost.' };
}

export const lossOfAzurite: Loss = {
  what: 'Azurite has ended',
  advice: 'Start again: what was acknowledged in its last five seconds may be lost.',
};
