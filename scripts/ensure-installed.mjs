/**
 * Installs the locked dependencies when they are missing or stale, so that `npm start`, `npm run demo` and `npm test`
 * each work as the first command typed in a fresh clone. Uses nothing but Node itself (20 or later).
 *
 * "Stale" means: the lockfile that the last install finished with differs from the one here. The stamp is written only
 * after a complete install, so that an interrupted one is repeated.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'node_modules', '.tidemark-installed');
const nodeBinary = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`Tidemark needs Node 20 or later to install itself; this is Node ${process.versions.node}.`);
  process.exit(1);
}

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const installed = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').trim() : '';

if (installed !== wanted || !existsSync(nodeBinary)) {
  console.error('Installing the locked dependencies (npm ci); this happens once per change of package-lock.json …');
  const npmScript = process.env['npm_execpath'];
  const [command, args] = npmScript ? [process.execPath, [npmScript]] : ['npm', []];
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: !npmScript && process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error('npm ci failed. Check that the npm registry can be reached, then run the same command again.');
    process.exit(result.status ?? 1);
  }
  writeFileSync(stampFile, wanted + '\n');
}
