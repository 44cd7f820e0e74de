/** `tide version`: what to tell in a report of a fault. */
import { type DefineCommand, newCommand } from './command.ts';
import type { OutputOptions } from './context.ts';

export const version = '0.1.0';

export const versionCommand: DefineCommand = (context) =>
  newCommand('version', 'show the version of tide and what it runs on', ['tide version', 'tide version --json']).action(
    (options: OutputOptions) => {
      const { arch, platform, versions } = process;
      const data = { version, protocol: 1, node: versions.node, platform, arch, sqlite: versions['sqlite'] ?? null };
      context.print(options, data, () => [
        `tide ${version}, protocol ${data.protocol}`,
        `Node ${data.node}, SQLite ${data.sqlite ?? 'of another origin'}, ${platform} ${arch}`,
      ]);
    },
  );
