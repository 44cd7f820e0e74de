/** Bars on a terminal. They are taken away at the end: what is left on the screen is the result. */
import cliProgress, { type SingleBar } from 'cli-progress';
import type { Drawing } from '../progress.ts';
import { type Figures, figuresToText, shareOf, shortPath } from './meter.ts';
import { bytesToText } from '../context.ts';

/** Steps of a bar: finer than a terminal is wide. */
const steps = 1_000;
const pathCharacters = 40;

export function drawBars(): Drawing {
  const multi = new cliProgress.MultiBar(
    {
      format: '{phase} {bar} {figures}',
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  const bars = new Map<string, SingleBar>();
  /** The bar of all is the first, so its key is no path. */
  const all = '';

  function set(key: string, share: number | null, phase: string, figures: string): void {
    let bar = bars.get(key);
    if (bar === undefined) bars.set(key, (bar = multi.create(steps, 0, { phase, figures })));
    bar.update(Math.floor((share ?? 0) * steps), { phase, figures });
  }

  return {
    draw: (figures: Figures) => {
      set(all, shareOf(figures), figures.phase.padEnd(19), figuresToText(figures));
      const underWay = new Set(figures.files.map(({ path }) => path));
      for (const [path, bar] of bars) {
        if (path === all || underWay.has(path)) continue;
        multi.remove(bar);
        bars.delete(path);
      }
      for (const { path, done, total } of figures.files) {
        const much = `${bytesToText(done)} of ${bytesToText(total)}`;
        set(path, done / total, '  '.padEnd(19), `${much}  ${shortPath(path, pathCharacters)}`);
      }
    },
    end: () => multi.stop(),
  };
}
