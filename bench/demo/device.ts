/** A device of the demo: a folder and a login of its own, driven through the `tide` command line as a person would. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));

/** What `tide sync --json` prints, as far as the demo shows it. */
export interface SyncFigures {
  readonly seq: number;
  readonly files: number;
  readonly bytesScanned: number;
  readonly chunksNew: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  readonly seconds: number;
  readonly root: string;
  readonly upToDate: boolean;
}

export interface StatusFigures {
  readonly upToDate: boolean;
  readonly marks: { readonly local: string; readonly synced: string; readonly remote: string };
}

export class Device {
  readonly name: string;
  readonly folder: string;
  /** Where its login is kept. */
  readonly home: string;

  constructor(name: string, base: string) {
    this.name = name;
    this.folder = join(base, name);
    this.home = join(base, `.${name}-login`);
    mkdirSync(this.folder, { recursive: true });
  }

  /** Runs one command with `--json` and gives what it printed. Throws with its messages when it fails. */
  async run<T>(...args: readonly string[]): Promise<T> {
    const child = spawn(process.execPath, [tide, ...args, '--json'], {
      env: { ...process.env, TIDE_HOME: this.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let messages = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`tide ${args.join(' ')} on ${this.name} ended with ${code}: ${out}${messages}`);
    return JSON.parse(out) as T;
  }

  async link(server: string, user: string, workspace: string): Promise<void> {
    await this.run('login', '--dev', '--server', server, '--user', user);
    await this.run('link', this.folder, '--workspace', workspace, '--device', this.name);
  }

  sync(): Promise<SyncFigures> {
    return this.run<SyncFigures>('sync', this.folder);
  }

  status(): Promise<StatusFigures> {
    return this.run<StatusFigures>('status', this.folder);
  }
}
