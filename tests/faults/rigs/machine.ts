/** What a rig needs of the machine. */
import { spawnSync } from 'node:child_process';

export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'it needs root, to mount';
}

export function needsTool(name: string, ...args: readonly string[]): string | undefined {
  const { error } = spawnSync(name, args, { stdio: 'ignore' });
  return error === undefined ? undefined : `it needs ${name}`;
}

export function mustRun(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
