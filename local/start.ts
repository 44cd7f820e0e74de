/** `npm start`: a durable sync server on this machine. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TidemarkError } from '../shared/core/errors.ts';
import { createStackLog } from './stack-log.ts';
import { dataLockName } from './data-lock.ts';
import { endWithSignals } from './end-with-signals.ts';
import { type RunningStack, openData, stackPorts, startStack } from './stack.ts';
import { realtimeKeyName } from './stack-realtime.ts';

const help = `Usage: npm start -- [options]

A durable Tidemark server on this machine: API, storage, realtime and development identity.

  --port <n>      port of the API (default 7071); identity, blobs, queues (with --azurite) and realtime take
                  the next four; 0 takes free ones
  --host <addr>   address to listen on (default 127.0.0.1). The development identity lets anybody who
                  reaches it be anybody: open it to trusted networks only
  --data <dir>    folder of all state (default .tidemark)
  --azurite       blobs, queues and change feed in an embedded Azurite, over the adapters of production. For
                  development: Azurite keeps up to five seconds of acknowledged writes in memory only
  --reset         delete the state first
  --json          log as JSON lines
  --help          this text

Other settings are variables of the environment, such as TIDEMARK_METADATA=cosmos: see functions/config.ts. With
TIDEMARK_REALTIME=none there is no realtime, and clients poll.
For an app that func start runs: npm run companions.`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '7071' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string', default: '.tidemark' },
      azurite: { type: 'boolean', default: false },
      reset: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  const highest = 65_536 - stackPorts;
  if (!Number.isInteger(port) || port < 0 || port > highest) {
    throw new TidemarkError('malformed', `--port takes a number from 0 to ${highest}`);
  }
  // An empty value, of a variable that is not set, must not become the current folder.
  if (values.data === '' || values.host === '') throw new TidemarkError('malformed', '--data and --host take a value');
  return { ...values, port, data: resolve(values.data) };
}

const stateNames = new Set([
  'azurite',
  'blobs',
  'blob.key',
  'identity',
  'timers',
  'signing-key.pem',
  'stack.json',
  realtimeKeyName,
]);
/** SQLite keeps its journals beside them; a rotation of the signing keys has its lock and its draft there. */
const databaseNames = ['metadata.sqlite', 'queues.sqlite', 'signing-key.pem.'];
const lockNames = new Set([dataLockName, `${dataLockName}-journal`]);

/** Deletes the state of a stack and nothing else: a folder that holds anything foreign is refused. */
function reset(data: string): void {
  if (!existsSync(data)) return;
  const isDatabase = (name: string) => databaseNames.some((database) => name.startsWith(database));
  const isState = (name: string) => stateNames.has(name) || lockNames.has(name) || isDatabase(name);
  const foreign = readdirSync(data).filter((name) => !isState(name));
  if (foreign.length > 0) {
    throw new TidemarkError(
      'conflict',
      `${data} holds ${foreign.join(', ')}, which is no state of a stack; nothing was deleted`,
    );
  }
  const release = openData(data);
  try {
    for (const name of readdirSync(data).filter((each) => !lockNames.has(each))) {
      rmSync(join(data, name), { recursive: true, force: true });
    }
  } finally {
    release();
  }
}

const azuriteNotice = `

Blobs and queues are in Azurite, which keeps up to five seconds of acknowledged writes in memory only: stop it with Ctrl-C,
and keep nothing in it that you would miss.`;

function announce({ endpoints }: RunningStack, data: string, azurite: boolean): void {
  const origin = endpoints.server.replace(/\/api$/, '');
  console.log(`
Tidemark is running.

  API        ${endpoints.server}
  identity   ${endpoints.issuer} (development: anybody may be anybody)
  blobs      ${endpoints.blobs}
  realtime   ${endpoints.realtime ?? 'none: clients poll'}
  data       ${data}${azurite ? azuriteNotice : ''}

Next, in another terminal:

  node bin/tide.js login --dev --server ${origin} --user ann
  node bin/tide.js create photos
  node bin/tide.js link ~/Photos --workspace photos
  node bin/tide.js watch ~/Photos

Ctrl-C stops it. One line per request follows.
`);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return;
  }
  if (options.reset) reset(options.data);
  const { data, host, port, azurite } = options;
  const stack = await startStack({ data, host, port, azurite, logger: createStackLog(options.json) });
  endWithSignals(stack);
  if (!options.json) announce(stack, data, azurite);
  process.send?.('ready');
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`Tidemark could not start: ${message}`);
  process.exitCode = 1;
}
