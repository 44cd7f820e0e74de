/** The state of a linked folder as lines for people. */
import type { Problem } from '../agent/ports.ts';
import type { FolderStatus } from './actions/status.ts';
import { nameToText, tableToLines } from './context.ts';
import { pauseToText } from './pause-text.ts';
import { watchToLines } from './watch-lines.ts';

/** Paths shown of one kind of problem; `--json` has them all. */
const pathsShownMax = 10;

const kinds: Readonly<Record<string, string>> = {
  busy: 'were changing while they were read; the next sync tries again',
  unreadable: 'cannot be read',
  special: 'are no files, folders or links, and are not synced',
  name: 'have names that not every device can hold',
  alias: 'have names that another device would take for one',
  blocked: 'are in the way of a change from the workspace',
  full: 'did not fit on this disk',
  excluded: 'are excluded here, and something else stands at their names',
  rules: 'are rules that cannot be read',
};

function listWithRest(lines: readonly string[]): string[] {
  const rest = lines.length - pathsShownMax;
  return [...lines.slice(0, pathsShownMax), ...(rest > 0 ? [`    … and ${rest} more (--json lists all)`] : [])];
}

/** By kind, the most frequent first. */
export function problemsToLines(problems: readonly Problem[]): string[] {
  const groups = Map.groupBy(problems, ({ code }) => code);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .flatMap(([code, group]) => [
      `  ${group.length} ${kinds[code] ?? 'have a problem'} (${code}):`,
      ...listWithRest(group.map(({ path, detail }) => `    ${nameToText(path || '.')}: ${detail}`)),
    ]);
}

export function statusToLines(status: FolderStatus): string[] {
  const { folder, online, upToDate, marks, pending, problems, conflicts, excluded, watch, paused } = status;
  const changes = `${pending.local} changes here, ${pending.remote} on the server`;
  const offline = `the server cannot be reached; as last heard: ${changes}`;
  const verdict = !online ? offline : upToDate ? 'up to date' : changes;
  return [
    `${folder}: ${verdict}`,
    ...(watch === null && paused !== null ? [`  paused ${pauseToText(paused)}`] : watchToLines(watch)),
    ...tableToLines(Object.entries(marks).map(([tree, mark]) => [`  ${tree}`, mark ?? 'differs'])),
    ...(excluded === 0 ? [] : [`  ${excluded} excluded on this device (tide exclude --list)`]),
    ...problemsToLines(problems),
    ...(conflicts.length === 0 ? [] : [`  ${conflicts.length} conflict copies, to be looked at by a person:`]),
    ...listWithRest(conflicts.map(({ name }) => `    ${nameToText(name)}`)),
  ];
}
