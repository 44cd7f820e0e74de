/** `tide watch` as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../bench/demo/device.ts';

const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));

export class Watching {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** Lines of standard error that are JSON, parsed. */
  readonly lines: Record<string, unknown>[] = [];
  text = '';

  constructor(device: Device, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [tide, 'watch', ...args, '--json'], {
      env: { ...process.env, TIDE_HOME: device.home, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let rest = '';
    this.child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      this.text += piece;
      const whole = (rest + piece).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  /** Whether it told of this. */
  told(event: string, fields: Readonly<Record<string, unknown>> = {}): boolean {
    return this.lines.some(
      (line) => line['event'] === event && Object.entries(fields).every(([name, value]) => line[name] === value),
    );
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }
}
