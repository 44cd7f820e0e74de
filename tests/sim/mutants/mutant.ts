/**
 * A mutant: the product with one fault put in on purpose, by rewriting the source text of named places while Node loads it. Nothing
 * of it is in the product, and it lasts as long as the process.
 *
 * A place is a text that occurs exactly once in its file. When it does not any more, installing the mutant throws: whoever changed
 * the product says where the fault is to be put now, or that it cannot be made any more.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

export interface Rewrite {
  /** From the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  /** What goes wrong, in words. */
  readonly fault: string;
  /** The incident of another product that it re-creates, or the promise of ours that it breaks. */
  readonly recreates: string;
  readonly rewrites: readonly Rewrite[];
  /** Nobody has seen it caught yet: the simulation may be blind there. Run by `--all` and by its name only. */
  readonly isOpen?: true;
}

const repository = new URL('../../../', import.meta.url);

function urlOf({ file }: Rewrite): string {
  return new URL(file, repository).href;
}

function rewrite(text: string, { file, from, to }: Rewrite): string {
  const parts = text.split(from);
  if (parts.length === 2) return parts.join(to);
  throw new Error(`${file} has this text ${parts.length - 1} times where a mutant needs it once: ${from}`);
}

/** Throws unless every place of the mutant is in its file, once. */
export function checkPlaces({ rewrites }: Mutant): void {
  for (const place of rewrites) rewrite(readFileSync(new URL(urlOf(place)), 'utf8'), place);
}

/**
 * From now on this process loads the product with the fault in it. To be called before any module that the mutant rewrites is loaded.
 * Returns a function that throws unless all of them were.
 */
export function installMutant(mutant: Mutant): () => void {
  checkPlaces(mutant);
  const waiting = new Set(mutant.rewrites.map(urlOf));
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const places = mutant.rewrites.filter((place) => urlOf(place) === url);
      if (places.length === 0) return loaded;
      waiting.delete(url);
      const { source } = loaded;
      if (source === null || source === undefined) throw new Error(`${url} was loaded without its source`);
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      return { ...loaded, source: places.reduce(rewrite, text) };
    },
  });
  return () => {
    if (waiting.size > 0)
      throw new Error(`loaded before the mutant ${mutant.name}, or never: ${[...waiting].join(', ')}`);
  };
}
