#!/usr/bin/env node
/**
 * The `tide` command. Runs under any Node from 20 on: where that Node cannot run the client itself (it needs Node 24),
 * it hands over to the Node 24 that the package brings with it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const major = Number(process.versions.node.split('.')[0]);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'client', 'cli', 'main.ts');

/** The Node 24 binary of the npm package `node`, or undefined where it is not installed. */
function pinnedNode() {
  try {
    const folder = dirname(nodeModule.createRequire(import.meta.url).resolve('node/package.json'));
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

/** Where this user's programs keep what they can make anew. Not the folder for temporary files: what lies there is run. */
function cacheFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'tidemark');
  if (process.platform === 'win32')
    return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tidemark', 'cache');
  return join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tidemark');
}

/** Commands that move content: what they do takes buffers of megabytes, in several threads. */
const movingCommands = new Set(['sync', 'watch']);

/**
 * How glibc is to allocate: one arena for all threads, and pages of their own for larger buffers, given back when these are freed. The
 * pieces in which Node reads from sockets, 64 KiB each, are such buffers: in the arena they leave holes.
 */
const mallocSettings = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536' };

/**
 * A young generation that does not grow to tens of megabytes, and an old one that is collected before it has doubled. What was read
 * from a socket is garbage outside of the heap, and waits for the young generation to be full: the smaller that, the less of it waits.
 */
const heapFlags = ['--max-semi-space-size=2', '--heap-growing-percent=30'];
/** For threads that start later: what they make lies outside of their heaps. */
const workerHeapFlag = '--max-semi-space-size=1';

/**
 * By default glibc keeps an arena for each thread, and keeps in it what large buffers took once one was freed. It asks the environment
 * only when a process starts, and V8 its bounds; so this process begins again in its own place: the same id, the same standard
 * streams, one more start of Node. Where somebody has set glibc's, all stays as it is.
 */
function beginAgainSmaller() {
  if (process.platform !== 'linux' || process.execve === undefined || !existsSync(process.execPath)) return;
  if (!process.argv.slice(2).some((argument) => movingCommands.has(argument))) return;
  if (Object.keys(mallocSettings).some((name) => process.env[name] !== undefined)) return;
  const argv = [process.execPath, ...heapFlags, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, argv, { ...process.env, ...mallocSettings });
}

/**
 * Before anything of the client is loaded. The heap is to stay small: by default its young generation alone grows to more than 100 MB.
 * Where nothing bounded it when the process started, it is told to be small rather than fast. Compiled code is kept between processes,
 * worker threads included: starting takes less than half the time then, and 30 MB less, since nothing has to strip types. Where it
 * cannot be kept, everything works without.
 */
function tuneHost() {
  if (!heapFlags.every((flag) => process.execArgv.includes(flag))) setFlagsFromString('--optimize-for-size');
  else setFlagsFromString(workerHeapFlag);
  process.env.NODE_COMPILE_CACHE ??= join(cacheFolder(), 'code');
  nodeModule.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

if (major < 20) {
  fail(`tide needs Node 20 or later; this is Node ${process.versions.node}.`);
} else if (major >= 24) {
  beginAgainSmaller();
  tuneHost();
  await import(entry);
} else {
  const node = pinnedNode();
  if (node === undefined) {
    fail(`tide runs on Node 24, which is not installed yet: type \`npm ci\` in ${root} and try again.`);
  } else {
    const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      if (signal) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      } else process.exitCode = code ?? 1;
    });
  }
}
