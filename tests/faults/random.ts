/** The seed of a file's random runs: `SEED`, else another one each time. Test names show it. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Park and Miller's generator: enough to choose moments. */
export function randomFrom(start: number): () => number {
  let state = (start % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
