/**
 * Who is logged in where: `credentials.json` (0600) in the configuration folder, by server address. Written whole, by
 * rename, so that a crash leaves the old file or the new one.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../../shared/core/errors.ts';

export interface Credential {
  readonly user: string;
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly accessToken: string;
  readonly refreshToken: string | null;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

interface CredentialFile {
  readonly version: 1;
  /** The server that commands use when none is named: the one of the last login. */
  readonly current: string | null;
  readonly servers: Readonly<Record<string, Credential>>;
}

export interface CredentialStore {
  /** The server named, else the current one. Throws `unauthenticated` when nobody is logged in there. */
  get(server?: string): { readonly server: string; readonly credential: Credential };
  save(server: string, credential: Credential): void;
}

const empty: CredentialFile = { version: 1, current: null, servers: {} };

/** One form for each server: no trailing slash, and the `/api` prefix that people leave away. */
export function normaliseServer(text: string): string {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `https://${text}`);
  } catch (cause) {
    throw new TidemarkError('malformed', `"${text}" is not a server address, such as https://sync.example.com`, {
      cause,
    });
  }
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw new TidemarkError('malformed', 'a server is reached by https; plain http is for this machine only');
  }
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path === '' ? '/api' : path}`;
}

export function openCredentials(folder: string): CredentialStore {
  const file = join(folder, 'credentials.json');

  function read(): CredentialFile {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return empty;
      throw error;
    }
    try {
      return JSON.parse(text) as CredentialFile;
    } catch (cause) {
      throw new TidemarkError('malformed', `${file} is damaged; delete it and log in again`, { cause });
    }
  }

  return {
    get: (server) => {
      const all = read();
      const name = server === undefined ? all.current : normaliseServer(server);
      const credential = name === null ? undefined : all.servers[name];
      if (name === null || credential === undefined) {
        const where = name === null ? '' : ` to ${name}`;
        throw new TidemarkError('unauthenticated', `nobody is logged in${where}; use \`tide login --server URL\``);
      }
      return { server: name, credential };
    },
    save: (server, credential) => {
      const all = read();
      const next: CredentialFile = { version: 1, current: server, servers: { ...all.servers, [server]: credential } };
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const temporary = `${file}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify(next, null, 2) + '\n', { mode: 0o600 });
      chmodSync(temporary, 0o600);
      renameSync(temporary, file);
    },
  };
}
