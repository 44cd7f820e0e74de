/** A device whose every command is a process of its own, of which time, traffic and the memory it took at most are measured. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
const peakMemory = new URL('./peak-memory.mjs', import.meta.url).href;

/** One command, from the start of its process to its end. */
export interface Measured<T> {
  readonly printed: T;
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
}

/** What `tide sync --json` prints, as far as it is shown. */
export interface SyncPrinted {
  readonly seq: number;
  readonly files: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  readonly root: string;
  readonly upToDate: boolean;
}

export class MeasuredDevice {
  readonly folder: string;
  readonly #home: string;
  readonly #peakFile: string;

  constructor(name: string, base: string) {
    this.folder = join(base, name);
    this.#home = join(base, `.${name}-login`);
    this.#peakFile = join(base, `.${name}-peak`);
    mkdirSync(this.folder, { recursive: true });
  }

  /** Runs one command with `--json`. Throws with its messages when it fails. */
  async run<T>(...args: readonly string[]): Promise<Measured<T>> {
    const began = performance.now();
    const child = spawn(process.execPath, ['--import', peakMemory, tide, ...args, '--json'], {
      env: { ...process.env, TIDE_HOME: this.#home, TIDEMARK_PEAK_FILE: this.#peakFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let messages = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    const seconds = (performance.now() - began) / 1_000;
    if (code !== 0) throw new Error(`tide ${args.join(' ')} ended with ${code}: ${out}${messages}`);
    const noted = JSON.parse(readFileSync(this.#peakFile, 'utf8')) as Pick<
      Measured<T>,
      'processorSeconds' | 'peakBytes'
    >;
    return { printed: JSON.parse(out) as T, seconds, ...noted };
  }

  /** Logs in, and links the folder to the workspace, which is made first if this device is to. */
  async begin(server: string, workspace: string, isFirst: boolean): Promise<void> {
    await this.run('login', '--dev', '--server', server, '--user', 'ann');
    if (isFirst) await this.run('create', workspace);
    await this.run('link', this.folder, '--workspace', workspace);
  }

  sync(): Promise<Measured<SyncPrinted>> {
    return this.run<SyncPrinted>('sync', this.folder);
  }
}
