/** `rebuild-index`: the chunk index, from packs alone. */
import { type RebuildIndexStep, rebuildIndexStep } from '../../shared/services/admin/rebuild-index.ts';
import {
  type AdminOptions,
  type DefineAdmin,
  newAdminCommand,
  workspaceOption,
  standingWorkspacesOf,
} from './context.ts';

interface RebuildOptions extends AdminOptions {
  readonly workspace?: string;
}

/** Packs of one step; Ctrl-C ends the command after it. */
const packsAtOnce = 64;

export const rebuildIndexCommand: DefineAdmin = (context) =>
  newAdminCommand('rebuild-index', 'make the chunk index right from the packs alone; every byte is verified', [
    'rebuild-index',
    'rebuild-index --workspace 2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a',
  ])
    .option(...workspaceOption)
    .action(async (options: RebuildOptions) => {
      const deps = await context.open(options);
      const rebuilt: { workspaceId: string; forgotten: number; recorded: number; rejected: number }[] = [];
      for await (const { workspaceId } of standingWorkspacesOf(deps, options.workspace)) {
        const counts = { workspaceId, forgotten: 0, recorded: 0, rejected: 0 };
        let cursor: string | null = null;
        do {
          context.signal.throwIfAborted();
          const input = { workspaceId, cursor, packs: packsAtOnce, trustRecords: false };
          const step: RebuildIndexStep = await rebuildIndexStep(deps, input);
          counts.forgotten += step.forgotten;
          counts.recorded += step.recorded;
          counts.rejected += step.rejected;
          cursor = step.cursor;
        } while (cursor !== null);
        rebuilt.push(counts);
      }
      context.print(options, { workspaces: rebuilt }, () =>
        rebuilt.map(
          ({ workspaceId, recorded, forgotten, rejected }) =>
            `${workspaceId}: ${recorded} packs recorded, ${forgotten} forgotten, ${rejected} put into quarantine`,
        ),
      );
    });
