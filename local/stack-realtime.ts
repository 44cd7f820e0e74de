/**
 * The realtime endpoint beside an app: a process of its own that stands in for Azure Web PubSub. It keeps nothing, so nothing is lost with it:
 * clients poll, and the journal tells them everything.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import { loadOrCreateSecretFile } from '../shared/adapters/node/secret-file.ts';
import { utf8 } from '../shared/core/bytes.ts';
import { type Loss, lossOf } from './end-with-signals.ts';
import { isLoopback } from './host/access-keys.ts';
import { defaultConnectionSetting } from './host/web-pubsub-access.ts';
import { reachable } from './stack-storage.ts';
import { startWebPubSubProcess } from './web-pubsub-process.ts';

/** In the data folder. */
export const realtimeKeyName = 'realtime.key';

/**
 * The access key of the companions' endpoint, as local.settings.sample.json has it. Everybody knows it: whoever reaches that endpoint may be
 * anybody and hear everything.
 */
export const wellKnownAccessKey = 'VGlkZW1hcmsgZm9yIGRldmVsb3BtZW50OiBrbm93biB0byBldmVyeWJvZHkhISE=';

export interface RealtimeOptions {
  readonly data: string;
  readonly host: string;
  readonly port: number;
  /** Of the app, without a path: where events of connections go. */
  readonly appUrl: string;
  /** Base64; of a data folder that has none yet. */
  readonly accessKey?: string;
}

export interface RunningRealtime {
  readonly pid: number;
  readonly url: string;
  /** The app's. They hold the access key. */
  readonly settings: Readonly<Record<string, string>>;
  readonly ended: Promise<Loss>;
  stop(): Promise<void>;
}

/** The settings of an app without realtime, whatever its environment says. */
export const settingsWithoutRealtime: Readonly<Record<string, string>> = {
  TIDEMARK_REALTIME: 'none',
  TIDEMARK_WEB_PUBSUB_URL: '',
  TIDEMARK_WEB_PUBSUB_CONNECTION: '',
  [defaultConnectionSetting]: '',
};

/** The key's file, base64 text. It outlives a start, so that URLs of minutes ago still open connections after it. */
async function makeKeyFile(data: string, usual = randomBytes(32).toString('base64')): Promise<string> {
  const file = join(data, realtimeKeyName);
  await loadOrCreateSecretFile(file, () => utf8(`${usual}\n`));
  return file;
}

/** A key is given to an address of this machine, and to no name: who knows where that leads tomorrow. */
async function addressOf(host: string): Promise<string> {
  return isLoopback(host) ? host : (await lookup(host, { family: 4 })).address;
}

/** @throws TidemarkError `conflict` when it cannot start, for instance because its port is taken. */
export async function startRealtime(options: RealtimeOptions): Promise<RunningRealtime> {
  const { data, host, port, appUrl } = options;
  const keyFile = await makeKeyFile(data, options.accessKey);
  const endpoint = `http://${await addressOf(reachable(host))}:${port}`;
  const webhookUrl = `${appUrl}/runtime/webhooks/webpubsub`;
  const realtime = await startWebPubSubProcess({ host, port, keyFile, endpoint, webhookUrl });
  const { connectionString } = realtime.ready;
  return {
    pid: realtime.pid,
    url: realtime.ready.endpoint,
    settings: {
      TIDEMARK_REALTIME: 'web-pubsub',
      TIDEMARK_WEB_PUBSUB_URL: '',
      TIDEMARK_WEB_PUBSUB_CONNECTION: connectionString,
      [defaultConnectionSetting]: connectionString,
    },
    ended: realtime.ended.then(() => lossOf('the realtime endpoint')),
    stop: () => realtime.stop(),
  };
}
