/** `tide inspect tree FOLDER`: the Merkle map of the workspace as this device followed it. */
import { mapLevels } from '../../shared/core/merkle/map-levels.ts';
import { openAgent } from './agent.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, tableToLines } from './context.ts';

export const inspectTreeCommand: DefineCommand = (context) =>
  newCommand('tree', "show the nodes of a linked folder's tree, level by level, each checked against its hash", [
    'tide inspect tree ~/Photos',
    'tide inspect tree ~/Photos --json',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .action(async (folder: string, options: OutputOptions) => {
      const agent = await openAgent(context, options, folder);
      try {
        const { head } = agent.journal.meta;
        const levels = await mapLevels(agent.journal.mapNodes, head.root);
        const data = { seq: head.seq, root: head.root, chain: head.chain, levels };
        context.print(options, data, () => [
          `mark ${head.root} at ${head.seq}`,
          ...tableToLines(
            levels.map((each) => [
              `level ${each.level}`,
              `${each.nodes} nodes`,
              `${each.items} items`,
              `${each.bytes} bytes`,
            ]),
          ),
        ]);
      } finally {
        await agent.close();
      }
    });
