/** `npm run companions`: all that the Functions app needs beside it on this machine, for `func start`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TidemarkError } from '../shared/core/errors.ts';
import { type RunningCompanions, realtimeOffset, startCompanions } from './companions.ts';
import { endWithSignals } from './end-with-signals.ts';
import { createStackLog } from './stack-log.ts';

const help = `Usage: npm run companions -- [options]

What the Functions app needs beside it when Azure Functions Core Tools run it (func start): development identity, blobs
and queues in Azurite, events of blobs and their change feed, realtime. local.settings.sample.json fits the default
values.

  --port <n>           port of the app (default 7071), where events go; identity takes the next one,
                       realtime the fourth after it
  --storage-port <n>   port of blobs (default 10000); queues take the next one. UseDevelopmentStorage=true
                       means the default
  --data <dir>         folder of all state (default .tidemark-func)
  --json               log as JSON lines
  --help               this text`;

function readPort(name: string, text: string, highest: number): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= highest) return port;
  throw new TidemarkError('malformed', `${name} takes a number from 1 to ${highest}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '7071' },
      'storage-port': { type: 'string', default: '10000' },
      data: { type: 'string', default: '.tidemark-func' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.data === '') throw new TidemarkError('malformed', '--data takes a value');
  return {
    data: resolve(values.data),
    port: readPort('--port', values.port, 65_535 - realtimeOffset),
    storagePort: readPort('--storage-port', values['storage-port'], 65_534),
    json: values.json,
    help: values.help,
  };
}

const settingsFile = fileURLToPath(new URL('../local.settings.json', import.meta.url));

function announce({ issuerUrl, blobUrl, queueUrl, realtimeUrl }: RunningCompanions, data: string, port: number): void {
  const copy = existsSync(settingsFile) ? '' : '  cp local.settings.sample.json local.settings.json\n';
  console.log(`
Tidemark's companions are running.

  identity   ${issuerUrl} (development: anybody may be anybody)
  blobs      ${blobUrl}
  queues     ${queueUrl}
  realtime   ${realtimeUrl} (development: its access key is known to all)
  events     to http://localhost:${port}, whenever the app is there
  data       ${data}

Blobs and queues are in Azurite, which keeps up to five seconds of acknowledged writes in memory only: stop it with Ctrl-C,
and keep nothing in it that you would miss.

Next, in another terminal, with Azure Functions Core Tools 4:

${copy}  npm run build
  func start${port === 7071 ? '' : ` --port ${port}`}

and then, in a third one:

  node bin/tide.js login --dev --server http://127.0.0.1:${port} --user ann

Ctrl-C stops the companions.
`);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return;
  }
  const { data, port, storagePort, json } = options;
  const companions = await startCompanions({ data, port, storagePort, logger: createStackLog(json) });
  endWithSignals(companions);
  if (!json) announce(companions, data, port);
  process.send?.('ready');
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`The companions could not start: ${message}`);
  process.exitCode = 1;
}
