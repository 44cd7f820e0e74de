/** `tide` under strace, which kills it, or fails a call of it, at a chosen call of the operating system. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../../bench/demo/device.ts';

const tide = fileURLToPath(new URL('../../../bin/tide.js', import.meta.url));

/** Every call that changes a file system. */
export const changingCalls = [
  'write',
  'pwrite64',
  'writev',
  'pwritev',
  'ftruncate',
  'fsync',
  'fdatasync',
  'syncfs',
  'rename',
  'renameat2',
  'unlink',
  'rmdir',
  'mkdir',
  'symlink',
  'link',
  'chmod',
  'fchmod',
  'utimensat',
  'copy_file_range',
] as const;

export interface Injection {
  readonly call: string;
  /** What happens at that call: `signal=KILL`, `error=EIO`. */
  readonly fault: string;
  /** At the how manieth call of this kind, counted in each thread. */
  readonly when: number;
}

export interface Straced {
  /** Whether the fault happened. */
  readonly struck: boolean;
  readonly code: number | null;
  readonly output: string;
}

export async function syncUnderStrace(device: Device, log: string, injection: Injection): Promise<Straced> {
  const { call, fault, when } = injection;
  rmSync(log, { force: true });
  // Without --seccomp-bpf, which would be faster: with it strace injects no signal.
  const args = ['-f', '-o', log, '-e', `trace=${call}`, '-e', `inject=${call}:${fault}:when=${when}`];
  const child = spawn('strace', [...args, process.execPath, tide, 'sync', device.folder, '--json'], {
    env: { ...process.env, TIDE_HOME: device.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const traced = readFileSync(log, 'utf8');
  return { struck: traced.includes('(INJECTED)') || traced.includes('killed by SIGKILL'), code, output };
}

/** Whether the kernel of this machine has a call by this name. */
export function knowsCall(call: string): boolean {
  return spawnSync('strace', ['-e', `trace=${call}`, 'true'], { stdio: 'ignore' }).status === 0;
}
