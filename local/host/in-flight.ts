/** Counts work under way, so that a close can wait for it. */
export interface InFlight {
  readonly count: number;
  track<T>(work: Promise<T>): Promise<T>;
  /** Resolves when nothing is under way, also what began while waiting. */
  settled(): Promise<void>;
}

export function createInFlight(): InFlight {
  const works = new Set<Promise<unknown>>();
  return {
    get count() {
      return works.size;
    },
    track(work) {
      works.add(work);
      const forget = (): void => void works.delete(work);
      work.then(forget, forget);
      return work;
    },
    async settled() {
      while (works.size > 0) await Promise.allSettled(works);
    },
  };
}
