import { TidemarkError } from '../../shared/core/errors.ts';

export interface AzuriteProcessConfig {
  /** Of all state, the account and its key included. */
  readonly folder: string;
  /** A loopback address: who has the key, or the published one, may do anything. */
  readonly host: string;
  /** 0 takes a free one; the ready message says which. */
  readonly blobPort: number;
  readonly queuePort: number;
  /** The account whose key everybody knows, for tools that know no other; else one of its own. */
  readonly wellKnownAccount: boolean;
  /** Where events of created blobs go; null when nobody wants them. */
  readonly webhookUrl: string | null;
}

/** What the process says when it serves. The parent alone hears it: it holds the account's key. */
export interface AzuriteReady {
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly connectionString: string;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Reads the one argument of the process. Throws `malformed` on anything that is not a config. */
export function parseAzuriteProcessConfig(json: string): AzuriteProcessConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new TidemarkError('malformed', 'the configuration is not JSON', { cause: error });
  }
  const fields: Readonly<Record<string, unknown>> = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  const { folder, host, blobPort, queuePort, wellKnownAccount, webhookUrl } = fields as Readonly<
    Record<keyof AzuriteProcessConfig, unknown>
  >;
  if (!isText(folder) || !isText(host)) throw new TidemarkError('malformed', 'folder or host is missing');
  if (!isPort(blobPort) || !isPort(queuePort)) throw new TidemarkError('malformed', 'a port is not a port');
  if (typeof wellKnownAccount !== 'boolean') throw new TidemarkError('malformed', 'wellKnownAccount is no boolean');
  if (webhookUrl !== null && !isText(webhookUrl)) throw new TidemarkError('malformed', 'webhookUrl is no URL');
  return { folder, host, blobPort, queuePort, wellKnownAccount, webhookUrl };
}
