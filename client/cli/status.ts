/** `tide status FOLDER`: whether folder and workspace are equal, by the marks of the three trees; and what is not. */
import type { SyncStatus } from '../agent/engine/report.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type Agent, openAgent } from './agent.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, nameToText, tableToLines } from './context.ts';

interface Seen {
  readonly status: SyncStatus;
  /** False when the server could not be asked: `remote` is then as last heard. */
  readonly online: boolean;
}

/** Looks at the disk and asks the server, without changing either. */
async function look(context: CliContext, { engine }: Agent): Promise<Seen> {
  try {
    await engine.dryRun(context.signal, { massDeletionAllowed: true });
    return { status: await engine.status(), online: true };
  } catch (error) {
    if (!isTidemarkError(error, 'unavailable')) throw error;
    await engine.look(context.signal);
    return { status: await engine.status(), online: false };
  }
}

function toJson({ folder, link, connection }: Agent, { status, online }: Seen): Record<string, unknown> {
  const { marks, seq, pending, problems, conflicts } = status;
  const upToDate = status.upToDate && online;
  const equal = marks.local === marks.remote && marks.synced === marks.remote;
  return {
    folder,
    server: connection.server,
    ...link,
    online,
    seq,
    marks,
    equal,
    upToDate,
    pending,
    problems,
    conflicts,
  };
}

function toLines({ folder }: Agent, { status, online }: Seen): string[] {
  const { marks, pending, problems, conflicts } = status;
  const changes = `${pending.local} changes here, ${pending.remote} on the server`;
  // Up to date with what was last heard is not up to date: nobody knows what the server has by now.
  const offline = `the server cannot be reached; as last heard: ${changes}`;
  const verdict = !online ? offline : status.upToDate ? 'up to date' : changes;
  return [
    `${folder}: ${verdict}`,
    ...tableToLines(Object.entries(marks).map(([tree, mark]) => [tree, mark ?? 'differs'])),
    ...problems.map((problem) => `  ${problem.code}: ${nameToText(problem.path || '.')}: ${problem.detail}`),
    ...conflicts.map((conflict) => `  conflict copy: ${nameToText(conflict.name)}`),
  ];
}

export const statusCommand: DefineCommand = (context) =>
  newCommand('status', 'show whether a linked folder is up to date, and what is not', [
    'tide status ~/Photos',
    'tide status ~/Photos --json | jq .upToDate',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .action(async (folder: string, options: OutputOptions) => {
      const agent = await openAgent(context, options, folder, () => undefined);
      try {
        const seen = await look(context, agent);
        context.print(options, toJson(agent, seen), () => toLines(agent, seen));
      } catch (error) {
        throw agent.explain(error);
      } finally {
        await agent.close();
      }
    });
