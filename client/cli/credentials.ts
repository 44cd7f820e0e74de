/**
 * Who is logged in where: `credentials.json` (0600) in the configuration folder, by server address. Written whole, by
 * rename, so that a crash leaves the old file or the new one.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../../shared/core/errors.ts';
import { underLock } from './under-lock.ts';
import { usageError } from './usage-error.ts';

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
  /** Waits for its turn, as `remove` does: neither a login nor a renewal at the same time is lost by it. */
  save(server: string, credential: Credential): Promise<void>;
  /** As `save`, after a renewal and within `exclusively`: which server is the current one stays. Nothing, when the login was forgotten meanwhile. */
  replace(server: string, credential: Credential): void;
  /** One at a time over all processes. Throws `busy` when others are at it for half a minute. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** The servers with a login, the current one first. */
  servers(): readonly string[];
  /** Forgets a login. Of those that are left another becomes the current one. */
  remove(server: string): Promise<void>;
}

const empty: CredentialFile = { version: 1, current: null, servers: {} };

/** One form for each server: no trailing slash, and the `/api` prefix that people leave away. */
export function normaliseServer(text: string): string {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `https://${text}`);
  } catch (cause) {
    throw usageError(`"${text}" is not a server address, such as https://sync.example.com`, cause);
  }
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw usageError('a server is reached by https; plain http is for this machine only');
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
      const parsed = JSON.parse(text) as CredentialFile;
      // Written by nobody but these commands: it is whole, or it is none of theirs.
      if (typeof parsed.servers === 'object' && parsed.servers !== null && parsed.current !== undefined) return parsed;
    } catch {
      // As below.
    }
    throw new TidemarkError('malformed', `${file} is damaged; delete it and log in again`);
  }

  function write(next: CredentialFile): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(next, null, 2) + '\n', { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, file);
  }

  const exclusively = <T>(work: () => Promise<T>): Promise<T> => underLock(join(folder, 'credentials.lock'), work);

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
    save: (server, credential) =>
      exclusively(async () => {
        const all = read();
        write({ version: 1, current: server, servers: { ...all.servers, [server]: credential } });
      }),
    replace: (server, credential) => {
      const all = read();
      if (server in all.servers) write({ ...all, servers: { ...all.servers, [server]: credential } });
    },
    exclusively,
    servers: () => {
      const { current, servers } = read();
      return Object.keys(servers).sort((a, b) => Number(b === current) - Number(a === current));
    },
    remove: (server) =>
      exclusively(async () => {
        const { current, servers } = read();
        const left = Object.fromEntries(Object.entries(servers).filter(([name]) => name !== server));
        write({ version: 1, current: current === server ? (Object.keys(left)[0] ?? null) : current, servers: left });
      }),
  };
}
