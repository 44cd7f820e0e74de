/** Tries every case of some trees, and says of the first that breaks a promise what it was. */
import type { ConflictPolicy } from '../../../../shared/core/wire/workspace.ts';
import type { Tree } from '../model.ts';
import { type Case, converge } from './converge.ts';
import { checkPromises } from './promises.ts';
import { authors, statesAfter } from './small-trees.ts';

export interface Tried {
  readonly cases: number;
  /** The most rounds that any case took. */
  readonly rounds: number;
}

/** Each state that my acts lead to, against each that theirs lead to. Throws with the case at the first broken promise. */
export async function tryEveryCase(
  tree: Tree,
  acts: { readonly mine: number; readonly theirs: number },
  policy: ConflictPolicy,
): Promise<Tried> {
  const allMine = statesAfter(tree, authors.mine, acts.mine);
  const allTheirs = statesAfter(tree, authors.theirs, acts.theirs);
  let rounds = 0;
  for (const mine of allMine) {
    for (const theirs of allTheirs) rounds = Math.max(rounds, await tryCase({ tree, mine, theirs, policy }));
  }
  return { cases: allMine.length * allTheirs.length, rounds };
}

/** Each state that acts lead to, followed by a device whose disk folds names and whose user does nothing. */
export async function tryFolding(tree: Tree, acts: number): Promise<Tried> {
  const states = statesAfter(tree, authors.ofFoldable, acts);
  let rounds = 0;
  for (const mine of states) {
    rounds = Math.max(rounds, await tryCase({ tree, mine, theirs: tree, policy: 'copy', theirsFolds: true }));
  }
  return { cases: states.length, rounds };
}

/** Returns the rounds it took. */
export async function tryCase(tried: Case): Promise<number> {
  try {
    const { tree, rounds } = await converge(tried);
    checkPromises(tried, tree);
    return rounds;
  } catch (cause) {
    throw new Error(`this case breaks a promise:\n${caseToText(tried)}`, { cause });
  }
}

function caseToText({ tree, mine, theirs, policy }: Case): string {
  const lines = (name: string, nodes: Tree): string => {
    const all = [...nodes].map(([id, { parentId, name, entry }]) => {
      return `  ${short(id)} in ${short(parentId)} as ${name}: ${entry.kind === 'file' ? entry.content.slice(0, 8) : 'folder'}`;
    });
    return [`${name}:`, ...all].join('\n');
  };
  return [`policy ${policy}`, lines('tree', tree), lines('mine', mine), lines('theirs', theirs)].join('\n');
}

function short(id: string): string {
  return String(Number.parseInt(id, 16));
}
