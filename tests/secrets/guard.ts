/**
 * Loaded into every process of the test run (`node --import ./tests/secrets/guard.ts --test …`): whatever a test writes to its output, and
 * whatever the processes that it starts write to theirs, is looked through for signatures of URLs, tokens and keys. One of them fails the
 * process when it ends, with the place in the code that wrote it. Output is looked at as it passes and goes on unchanged.
 *
 * Not seen: what a child writes to a file, or to an output that it inherits or that nobody reads.
 */
import childProcess, { type ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { findSecret } from './find-secret.ts';

/** A secret may be cut by the end of a write: this much of the last one is looked at again. */
const tailCharacters = 4_096;

const leaks: string[] = [];

function watcher(source: string): (text: string) => void {
  let tail = '';
  return (text) => {
    const seen = tail + text;
    const found = findSecret(seen);
    tail = found === undefined ? seen.slice(-tailCharacters) : '';
    if (found === undefined) return;
    const before = seen.slice(Math.max(0, found.at - 80), found.at);
    const stack = new Error('').stack?.split('\n').filter((line) => !line.includes('tests/secrets/guard'));
    leaks.push(`${found.kind} in ${source}, after: ${JSON.stringify(before)}\n${(stack ?? []).slice(1, 6).join('\n')}`);
  };
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk;
  return chunk instanceof Uint8Array ? Buffer.from(chunk).toString('latin1') : '';
}

function watchWrites(stream: NodeJS.WriteStream, name: string): void {
  const watch = watcher(name);
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]): boolean => {
    watch(textOf(args[0]));
    return write(...args);
  };
}

/** As it is read by whoever reads it: to read it here would take it from them. */
function watchReads(child: ChildProcess, command: string): void {
  for (const [name, stream] of [['stdout', child.stdout] as const, ['stderr', child.stderr] as const]) {
    if (stream === null || stream === undefined) continue;
    const watch = watcher(`the ${name} of ${command}`);
    const emit = stream.emit.bind(stream);
    stream.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      if (event === 'data') watch(textOf(args[0]));
      return emit(event, ...args);
    };
  }
}

function describe(args: readonly unknown[]): string {
  const [command, given] = args;
  const file = Array.isArray(given) ? given.find((arg) => /\.(?:ts|js|mjs)$/.test(String(arg))) : undefined;
  return String(file ?? command);
}

const { spawn } = childProcess;
childProcess.spawn = ((...args: unknown[]): ChildProcess => {
  const child = Reflect.apply(spawn, childProcess, args) as ChildProcess;
  watchReads(child, describe(args));
  return child;
}) as typeof spawn;

const { fork } = childProcess;
childProcess.fork = (...args: unknown[]): ChildProcess => {
  const child = Reflect.apply(fork, childProcess, args) as ChildProcess;
  watchReads(child, describe(args));
  return child;
};
syncBuiltinESMExports();

const ownImports = ['tests/secrets/guard.ts', 'tests/seed.ts'];

/**
 * What a test forks gets the flags of its own process, and may run elsewhere, where these files are not: it is watched from here instead.
 * The runner of the tests itself passes them on to every file.
 */
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  process.execArgv = process.execArgv.filter((argument, i, all) => {
    const isOurs = (text: string | undefined): boolean => ownImports.some((file) => text?.includes(file) === true);
    return !isOurs(argument) && !(argument === '--import' && isOurs(all[i + 1]));
  });
}

watchWrites(process.stdout, 'standard output');
watchWrites(process.stderr, 'standard error');

process.on('exit', () => {
  if (leaks.length === 0) return;
  process.exitCode = 1;
  for (const leak of leaks.splice(0)) process.stderr.write(`\nA secret was written: ${leak}\n`);
});
