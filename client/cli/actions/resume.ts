/** Ends a pause. */
import { defineAction, parseParams } from './action.ts';

export interface ResumeResult {
  readonly folder: string;
  /** Whether there was a pause. */
  readonly wasPaused: boolean;
  /** Whether an agent runs that goes on by itself now. */
  readonly watched: boolean;
}

export const resumeAction = defineAction<Readonly<Record<string, never>>, ResumeResult>({
  name: 'resume',
  exclusive: false,
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  run: async ({ folder, journal, live }) => {
    const wasPaused = journal.meta.pause !== undefined;
    journal.meta.pause = undefined;
    if (wasPaused) live?.pauseChanged();
    return { folder, wasPaused, watched: live !== undefined };
  },
});
