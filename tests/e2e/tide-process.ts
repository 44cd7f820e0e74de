/** `tide` as a process, for the tests that expect it to fail: its exit code and all it printed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../bench/demo/device.ts';

const tide = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));

export interface TideEnded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runTide(
  device: Device,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): Promise<TideEnded> {
  const child = spawn(process.execPath, [tide, ...args], {
    env: { ...process.env, TIDE_HOME: device.home, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}
