#!/usr/bin/env node
/**
 * The `tide` command. Runs under any Node from 20 on: where that Node cannot run the client itself (it needs Node 24),
 * it hands over to the Node 24 that the package brings with it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(root, 'client', 'cli', 'main.ts');

/** The Node 24 binary of the npm package `node`, or undefined where it is not installed. */
function pinnedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
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

if (major < 20) {
  fail(`tide needs Node 20 or later; this is Node ${process.versions.node}.`);
} else if (major >= 24) {
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
