/**
 * Builds the Functions app for deployment: `npm run build` makes the folder `dist`, `-- --out <folder>` another one.
 *
 *     functions.mjs      the app: what the Functions worker loads ("main" in package.json)
 *     chunk-*.mjs        what is loaded when a setting asks for it: the SDKs of Storage, Cosmos DB, Key Vault and Identity
 *     *.mjs.map          source maps
 *     host.json          as in the repository
 *     package.json       entry point, and the packages beside the bundle with their exact versions
 *     node_modules       those packages: @azure/functions (as it is, so that the worker finds it where it expects it), the WebAssembly
 *                        of LZ4, and native BLAKE3 for the platform that this runs on; elsewhere hash-wasm takes its place
 *
 * The folder holds all that the app needs: `func start` in it, or a zip of it, is the app. It ends with what a fresh process takes to load
 * it. A folder that it did not make itself is never overwritten.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const entryName = 'functions.mjs';
/** Says that a folder is ours to overwrite. */
const markName = '.tidemark-build';
/** Stay packages beside the bundle. The optional one is missing on platforms that have no binary of it. */
const besideRequired = ['@azure/functions', 'lz4-wasm-nodejs'];
const besideOptional = ['@napi-rs/blake-hash'];
/** The worker provides it. */
const provided = '@azure/functions-core';
/** What a cold start may spend on loading the app, in milliseconds. */
const loadBudgetMs = 300;

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } });
const out = resolve(values.out);

/** Takes away an earlier build, and leaves what else is in the folder: settings, and the state of an app that ran there. */
function clear() {
  const isOurs = (name) =>
    /\.mjs(?:\.map)?$/.test(name) || ['host.json', 'package.json', 'node_modules'].includes(name);
  if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(join(out, markName))) {
    throw new Error(`${out} was not made by this script: empty it, or choose another --out`);
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, markName), '');
  for (const name of readdirSync(out).filter(isOurs)) rmSync(join(out, name), { recursive: true, force: true });
}

/** CommonJS packages in an ES module ask for `require`; the worker provides its module to that one too. */
const banner =
  "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);";

/** The package of that name, where an SDK means Node's module, which is deprecated and says so on every start. */
function aliases() {
  const folder = findPackage('punycode', root);
  return folder === undefined ? {} : { punycode: join(folder, 'punycode.js') };
}

function bundle() {
  return build({
    alias: aliases(),
    absWorkingDir: root,
    entryPoints: { functions: 'functions/app.ts' },
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    external: [...besideRequired, ...besideOptional, provided],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  });
}

function readPackage(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** The folder of an installed package as `from` sees it; undefined when it is not there. */
function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Copies a package and what it depends on, without sources, types and maps. @returns whether it is installed. */
function copyPackage(name, from) {
  const folder = findPackage(name, from);
  if (folder === undefined) return false;
  const target = join(out, 'node_modules', name);
  if (existsSync(target)) return true;
  const needless = /(?:^|\/)(?:src|types|node_modules)$|\.(?:map|md|d\.[cm]?ts)$/;
  const isNeeded = (path) => !needless.test(relative(folder, path).replaceAll('\\', '/'));
  cpSync(folder, target, { recursive: true, filter: isNeeded });
  const { dependencies = {}, optionalDependencies = {} } = readPackage(folder);
  for (const each of Object.keys(dependencies)) {
    if (!copyPackage(each, folder)) throw new Error(`${each}, which ${name} needs, is not installed: run npm ci`);
  }
  for (const each of Object.keys(optionalDependencies)) copyPackage(each, folder);
  return true;
}

function writePackage() {
  const { name, version, dependencies, optionalDependencies } = readPackage(root);
  const pick = (names, from) => Object.fromEntries(names.map((each) => [each, from[each]]));
  const content = {
    name,
    version,
    private: true,
    type: 'module',
    main: entryName,
    dependencies: pick(besideRequired, dependencies),
    optionalDependencies: pick(besideOptional, optionalDependencies),
  };
  writeFileSync(join(out, 'package.json'), JSON.stringify(content, null, 2) + '\n');
}

/** Milliseconds in which a fresh process loads the app: the median of five. */
function measureLoad() {
  const script = `const began = performance.now(); await import(process.argv[1]); console.log(performance.now() - began);`;
  const load = () => {
    const args = ['--input-type=module', '-e', script, pathToFileURL(join(out, entryName)).href];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the bundle does not load: ${stderr}`);
    return Number(stdout.trim().split('\n').at(-1));
  };
  return Array.from({ length: 5 }, load).sort((a, b) => a - b)[2];
}

function folderBytes(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Bytes of the chunks that are loaded at once: the entry, and what it imports statically. */
function bytesAtStart({ outputs }) {
  const seen = new Set();
  const visit = (path) => {
    if (seen.has(path) || outputs[path] === undefined) return;
    seen.add(path);
    for (const { path: next, kind } of outputs[path].imports) if (kind === 'import-statement') visit(next);
  };
  visit(Object.keys(outputs).find((path) => path.endsWith(entryName)));
  return [...seen].reduce((sum, path) => sum + outputs[path].bytes, 0);
}

function report(metafile) {
  const kilo = (bytes) => `${Math.round(bytes / 1_000)} KB`;
  const modules = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.mjs'));
  const all = modules.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  const atStart = bytesAtStart(metafile);
  const ms = measureLoad();
  const folder = relative(process.cwd(), out) || '.';
  console.log(
    `${folder}: ${kilo(atStart)} loaded at the start, ${kilo(all - atStart)} on demand in ${modules.length} modules`,
  );
  console.log(`${folder}/node_modules: ${kilo(folderBytes(join(out, 'node_modules')))}`);
  console.log(`a fresh process loads it in ${Math.round(ms)} ms (median of 5; the budget is ${loadBudgetMs} ms)`);
}

async function main() {
  clear();
  const { metafile } = await bundle();
  for (const name of besideRequired) {
    if (!copyPackage(name, root)) throw new Error(`${name} is not installed: run npm ci`);
  }
  for (const name of besideOptional) copyPackage(name, root);
  copyFileSync(join(root, 'host.json'), join(out, 'host.json'));
  writePackage();
  report(metafile);
}

try {
  await main();
} catch (error) {
  console.error(`The app was not built: ${error.message}`);
  process.exitCode = 1;
}
