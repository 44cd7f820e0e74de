/**
 * A stand-in for `func start`, as a process: our host runs an app, in the folder that it was started in, with host.json of that folder and
 * with the settings of a local.settings.json and nothing else of the environment that is Tidemark's. Queue triggers read the account of
 * their `connection`, as in Azure. It is not the Core Tools: what only they do is not tried.
 *
 *     node func-stand-in.ts '{"entry": …, "settings": {…}, "port": …}'
 *
 * It tells its parent when it serves, prints its log as JSON lines, and ends when its parent is gone.
 */
import path from 'node:path';
import { pino } from 'pino';
import { openQueues } from '../../functions/compose/queues.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { createFunctionsHost } from '../../local/host/functions-host.ts';
import { createQueueTrigger } from '../../local/host/queue-trigger.ts';

interface StandInConfig {
  /** The module that registers the functions. */
  readonly entry: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number;
}

const { entry, settings, port } = JSON.parse(process.argv[2] ?? '') as StandInConfig;
for (const name of Object.keys(process.env)) if (name.startsWith('TIDEMARK_')) delete process.env[name];
Object.assign(process.env, settings);

const connection = settings['AzureWebJobsStorage'];
const triggers =
  connection === undefined
    ? {}
    : {
        queueTrigger: createQueueTrigger(
          await openQueues({ adapter: 'azure', account: { kind: 'connection', connection } }, systemClock),
        ),
      };
const host = createFunctionsHost({
  entry,
  hostJson: path.resolve('host.json'),
  logger: pino({ name: 'func-stand-in' }),
  settings: process.env,
  triggers,
});
await host.start();
const { url } = await host.listen({ host: '127.0.0.1', port });
process.on('disconnect', () => void host.close().then(() => process.exit()));
process.send?.({ url });
