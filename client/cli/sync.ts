/** `tide sync FOLDER`: once, until the folder, the workspace and what was last equal are the same. */
import type { SyncReport } from '../agent/engine/report.ts';
import { openAgent } from './agent.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { Traffic } from './connection.ts';
import { type OutputOptions, bytesToText, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgressView } from './progress.ts';

interface SyncOptions extends OutputOptions {
  readonly allowMassDelete?: boolean;
}

function reportToJson(report: SyncReport, traffic: Traffic, seconds: number): Record<string, unknown> {
  const { bytesSent, bytesReceived, requests } = traffic;
  return { ...report, bytesSent, bytesReceived, requests, seconds };
}

function reportToLines(report: SyncReport, traffic: Traffic, seconds: number): string[] {
  const verdict = report.upToDate ? 'Up to date' : 'Not all could be synced';
  const moved = `sent ${bytesToText(traffic.bytesSent)}, received ${bytesToText(traffic.bytesReceived)}`;
  return [
    `${verdict}: ${report.files} files, ${bytesToText(report.bytesScanned)}; ${moved}; ${seconds.toFixed(2)} s`,
    ...(report.conflicts > 0 ? [`${report.conflicts} conflict copies were made; nothing is lost`] : []),
    ...report.problems.map((problem) => `  ${problem.code}: ${nameToText(problem.path || '.')}: ${problem.detail}`),
    `mark ${report.root} at ${report.seq}`,
  ];
}

export const syncCommand: DefineCommand = (context) =>
  newCommand('sync', 'sync a linked folder once, until nothing is left to do', [
    'tide sync ~/Photos',
    'tide sync ~/Photos --json | jq .bytesSent',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('--allow-mass-delete', 'carry out a deletion of most of the folder, which is refused otherwise')
    .action(async (folder: string, options: SyncOptions) => {
      const began = performance.now();
      let traffic: Traffic | undefined;
      const view = createProgressView(context, options, () => traffic);
      const agent = await openAgent(context, options, folder, (event) => view.show(event));
      traffic = agent.connection.traffic;
      try {
        const report = await agent.engine.sync(context.signal, {
          massDeletionAllowed: options.allowMassDelete === true,
        });
        view.end();
        const seconds = Number(((performance.now() - began) / 1_000).toFixed(3));
        context.print(options, reportToJson(report, traffic, seconds), () => reportToLines(report, traffic, seconds));
        if (!report.upToDate) process.exitCode = exitCodes.incomplete;
      } catch (error) {
        throw agent.explain(error);
      } finally {
        view.end();
        await agent.close();
      }
    });
