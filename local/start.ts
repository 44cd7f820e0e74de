/** `npm start`: a durable sync server on this machine. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TidemarkError } from '../shared/core/errors.ts';
import { createStackLog } from './stack-log.ts';
import { dataLockName } from './data-lock.ts';
import { type RunningStack, openData, startStack } from './stack.ts';

const help = `Usage: npm start -- [options]

A durable Tidemark server on this machine: API, storage and development identity.

  --port <n>      port of the API (default 7071); identity and blobs take the next two; 0 takes free ones
  --host <addr>   address to listen on (default 127.0.0.1). The development identity lets anybody who
                  reaches it be anybody: open it to trusted networks only
  --data <dir>    folder of all state (default .tidemark)
  --reset         delete the state first
  --json          log as JSON lines
  --help          this text`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '7071' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string', default: '.tidemark' },
      reset: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_533) {
    throw new TidemarkError('malformed', '--port takes a number from 0 to 65533');
  }
  // An empty value, of a variable that is not set, must not become the current folder.
  if (values.data === '' || values.host === '') throw new TidemarkError('malformed', '--data and --host take a value');
  return { ...values, port, data: resolve(values.data) };
}

const stateNames = new Set(['blobs', 'blob.key', 'identity', 'timers', 'signing-key.pem', 'stack.json']);
const lockNames = new Set([dataLockName, `${dataLockName}-journal`]);

/** Deletes the state of a stack and nothing else: a folder that holds anything foreign is refused. */
function reset(data: string): void {
  if (!existsSync(data)) return;
  const isState = (name: string) => stateNames.has(name) || lockNames.has(name) || name.startsWith('metadata.sqlite');
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

function announce({ endpoints }: RunningStack, data: string): void {
  const origin = endpoints.server.replace(/\/api$/, '');
  console.log(`
Tidemark is running.

  API        ${endpoints.server}
  identity   ${endpoints.issuer} (development: anybody may be anybody)
  blobs      ${endpoints.blobs}
  data       ${data}

Next, in another terminal:

  node bin/tide.js login --dev --server ${origin} --user ann
  node bin/tide.js create photos
  node bin/tide.js link ~/Photos --workspace photos
  node bin/tide.js sync ~/Photos

Ctrl-C stops it. One line per request follows.
`);
}

/** Ends the stack on Ctrl-C, SIGTERM, the end of its terminal or the loss of a part; a second signal ends the process at once. */
function endWith(stack: RunningStack): void {
  let ending = false;
  const end = (code: number) => {
    if (ending) process.exit(1);
    ending = true;
    void stack.close().then(() => process.exit(code));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
  void stack.failed.then((what) => {
    if (ending) return;
    console.error(`${what}; stopping. Start again: nothing acknowledged is lost.`);
    end(1);
  });
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return;
  }
  if (options.reset) reset(options.data);
  const { data, host, port } = options;
  const stack = await startStack({ data, host, port, logger: createStackLog(options.json) });
  endWith(stack);
  if (!options.json) announce(stack, data);
  process.send?.('ready');
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`Tidemark could not start: ${message}`);
  process.exitCode = 1;
}
