/** `--mode` and `--policy`: what becomes of an edit that met another one, and whether a device may commit without having seen it. */
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { usageError } from './usage-error.ts';

export interface ConflictOptions {
  readonly mode?: string;
  readonly policy?: string;
}

export const modeOption = [
  '--mode <mode>',
  'personal: a device always gets through, and conflicts are settled as it commits; shared: it has to have seen what is there first',
] as const;

export const policyOption = [
  '--policy <policy>',
  'two edits of one file: copy (the later one gets a name of its own), latest (it stands, the other is history), merge (text and JSON)',
] as const;

const modes: readonly WorkspaceMode[] = ['personal', 'shared'];
const policies: readonly ConflictPolicy[] = ['copy', 'latest', 'merge'];

function parseOne<T extends string>(option: string, known: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw usageError(`${option} is one of ${known.join(', ')}; not "${text}"`);
}

/** Undefined for what was not given. Throws `malformed` on an unknown one. */
export function parseConflictOptions({ mode, policy }: ConflictOptions): {
  readonly mode: WorkspaceMode | undefined;
  readonly policy: ConflictPolicy | undefined;
} {
  return { mode: parseOne('--mode', modes, mode), policy: parseOne('--policy', policies, policy) };
}
