/**
 * The development OIDC issuer: the real protocol (discovery, JWKS, device flow, refresh, JWT access tokens, over the
 * `oidc-provider` package) with no passwords. Whoever reaches it may be anybody, so it listens on this machine only.
 *
 * State lives in `dataFolder`: keys in `identity-keys.json` (0600) and tokens in `identity.sqlite` (0600), so sessions
 * outlive a restart. Without a folder everything is forgotten with the process.
 */
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { TidemarkError } from '../../shared/core/errors.ts';
import { isLoopback } from '../host/access-keys.ts';
import { systemClock } from '../host/host-clock.ts';
import { errorToLogText, type HostLogger } from '../host/host-logger.ts';
import { answerEmpty, closeServer, listenOn } from '../host/http-server.ts';
import { createInFlight } from '../host/in-flight.ts';
import { loadIdentityKeys, type SigningAlgorithm } from './identity-keys.ts';
import { answerInteraction, interactionPath } from './interaction.ts';
import { createProvider } from './provider.ts';
import { openTokenStore } from './token-store.ts';

/** The audience of access tokens unless configured otherwise: the API's. */
export const defaultAudience = 'https://tidemark.local/api';

export interface DevIssuerOptions {
  /** `http://host:port`, without a path. Port 0 takes a free one, for tests: tokens then die with the process. */
  readonly issuerUrl: string;
  /** Where keys and tokens are kept. */
  readonly dataFolder?: string;
  readonly audience?: string;
  readonly signingAlgorithm?: SigningAlgorithm;
  /** Seconds; an hour for access tokens and 30 days for refresh tokens by default. */
  readonly accessTokenSeconds?: number;
  readonly refreshTokenSeconds?: number;
  /** Lets it listen beyond this machine, where everybody may then sign in as anybody. */
  readonly allowRemote?: boolean;
  readonly logger?: HostLogger;
}

export interface DevIssuer {
  /** Loads keys and listens. An abort of `signal` closes it. @returns the issuer's URL with its real port. */
  start(
    signal?: AbortSignal,
  ): Promise<{ readonly issuerUrl: string; readonly jwksUrl: string; readonly audience: string }>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** @throws TidemarkError `malformed` for a URL that will not do, `forbidden` for an address beyond this machine. */
export function createDevIssuer(options: DevIssuerOptions): DevIssuer {
  const url = parseIssuerUrl(options.issuerUrl, options.allowRemote === true);
  const inFlight = createInFlight();
  let listener: RequestListener = (_request, response) => answerEmpty(response, 503);
  const server = createServer((request, response) => {
    void inFlight.track(new Promise<void>((resolve) => response.once('close', resolve)));
    listener(request, response);
  });
  let closeStore = (): void => undefined;
  let closing: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    await closeServer(server, () => inFlight.settled(), 1_000, systemClock);
    closeStore();
  };
  const issuer: DevIssuer = {
    async start(signal) {
      const { dataFolder, audience = defaultAudience, signingAlgorithm = 'ES256' } = options;
      if (dataFolder !== undefined) await mkdir(dataFolder, { recursive: true, mode: 0o700 });
      const keys = await loadIdentityKeys(dataFolder, signingAlgorithm);
      const store = openTokenStore(dataFolder);
      const issuerUrl = await listen(server, url).catch((error: unknown) => {
        store.close();
        throw error;
      });
      closeStore = () => store.close();
      const { accessTokenSeconds = 3_600, refreshTokenSeconds = 30 * 86_400 } = options;
      const provider = createProvider({
        issuerUrl,
        audience,
        keys,
        signingAlgorithm,
        store,
        accessTokenSeconds,
        refreshTokenSeconds,
      });
      listener = createListener(provider, new URL(issuerUrl).host, options.logger);
      signal?.addEventListener('abort', () => void issuer.close(), { once: true });
      if (signal?.aborted === true) await issuer.close();
      return { issuerUrl, jwksUrl: `${issuerUrl}/jwks`, audience };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
  return issuer;
}

async function listen(server: Server, url: URL): Promise<string> {
  const address = { host: url.hostname.replaceAll(/[[\]]/g, ''), port: Number(url.port) };
  const { port } = await listenOn(server, address, 'The development issuer');
  return `http://${url.hostname}:${port}`;
}

function parseIssuerUrl(text: string, allowRemote: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'http:' || url.pathname !== '/' || url.search !== '' || url.port === '') {
    throw new TidemarkError('malformed', `The issuer's URL "${text}" must be of the form http://host:port.`);
  }
  if (!allowRemote && !isLoopback(url.hostname)) {
    throw new TidemarkError(
      'forbidden',
      `The development issuer lets anybody in and listens on this machine only, not on ${url.hostname}; use 127.0.0.1.`,
    );
  }
  return url;
}

/**
 * Only requests that name the issuer's own host are served: a web page whose name was re-pointed at this machine (DNS
 * rebinding) must not read tokens.
 */
function createListener(provider: Provider, host: string, logger: HostLogger | undefined): RequestListener {
  const serveProvider = provider.callback();
  provider.on('server_error', (_context, error) =>
    logger?.error({ error: errorToLogText(error) }, 'the development issuer failed'),
  );
  return (request, response) => {
    if (request.headers.host !== host) answerEmpty(response, 421);
    else if (request.url?.startsWith(interactionPath) === true)
      void serveInteraction(provider, request, response, logger);
    else void serveProvider(request, response);
  };
}

async function serveInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  logger: HostLogger | undefined,
): Promise<void> {
  try {
    await answerInteraction(provider, request, response);
  } catch (error) {
    logger?.warn({ error: errorToLogText(error) }, 'a sign-in page failed');
    if (!response.headersSent) answerEmpty(response, 400);
  }
}
