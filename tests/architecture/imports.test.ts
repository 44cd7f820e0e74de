/**
 * The direction of imports. Arrows point inward: core <- ports <- services <- api <- {functions, local}; adapters see core
 * and ports; the client sees core. Only composition roots name adapters. Every rule says why, and the failure says it too.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sourceFolders = ['shared', 'functions', 'client', 'local', 'bench', 'tests'];

interface Layer {
  readonly name: string;
  /** Files of this layer, by path from the repository's root. The first layer that fits counts. */
  readonly files: RegExp;
  /** What they may import besides their own layer. */
  readonly may: readonly RegExp[];
  readonly why: string;
}

const core = /^shared\/core\//;
const ports = /^shared\/ports\//;
const services = /^shared\/services\//;
const api = /^shared\/api\//;
const adapters = /^shared\/adapters\//;

const layers: readonly Layer[] = [
  { name: 'core', files: core, may: [], why: 'core is arithmetic: it runs in browsers and knows no host' },
  { name: 'ports', files: ports, may: [core], why: 'ports say what is owed, not who owes it' },
  {
    name: 'services',
    files: services,
    may: [core, ports],
    why: 'use cases run over ports, so tests and hosts choose what is behind them',
  },
  { name: 'api', files: api, may: [core, ports, services], why: 'the HTTP face is the same on every host' },
  {
    name: 'adapters',
    files: adapters,
    may: [core, ports],
    why: 'an adapter is replaceable only if it knows nothing that uses it',
  },
  {
    name: 'functions: composition root',
    files: /^functions\/(app|config|compose\/.*)\.ts$/,
    may: [/^functions\//, core, ports, services, api, adapters],
    why: 'functions/app.ts and functions/compose choose adapters',
  },
  {
    name: 'functions: triggers',
    files: /^functions\//,
    may: [core, ports, services, api],
    why: 'a trigger is ten lines around the API; adapters are chosen in functions/app.ts and functions/compose only',
  },
  {
    name: 'client: composition roots',
    files: /^client\/(cli\/|agent\/(.*[/-])?(main|compose|composition)\.ts$)/,
    may: [/^client\//, core, ports, adapters],
    why: 'the command line and the agent that it runs choose adapters; nothing of the server is in a client',
  },
  {
    name: 'client',
    files: /^client\//,
    may: [core, /^shared\/ports\/(clock|randomness|log)\.ts$/],
    why: 'a client sees what goes over the wire, and gets the world injected: clock, randomness and log are ports of any host',
  },
  {
    name: 'local, bench, tests',
    files: /^(local|bench|tests)\//,
    may: [/.*/],
    why: 'these put everything together',
  },
];

/** Import and export specifiers, types included. Comments are dropped first, so that an example is not an import. */
function specifiersOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\b[^'";]*?\bfrom\s+['"]([^'"]+)['"]/gm),
    ...code.matchAll(/^\s*import\s+['"]([^'"]+)['"]/gm),
    ...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g),
  ];
  return found.map((match) => match[1]!);
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
}

const files = sourceFolders.flatMap(sourceFiles);

function layerOf(file: string): Layer {
  const layer = layers.find(({ files }) => files.test(file));
  assert.ok(layer, `${file} is in no layer: add it to the table, with its reason`);
  return layer;
}

function violations(): string[] {
  const found: string[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    for (const specifier of specifiersOf(readFileSync(path.join(root, file), 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const target = path.posix.join(path.posix.dirname(file), specifier);
      const allowed = layer.files.test(target) || layer.may.some((rule) => rule.test(target));
      if (!allowed) found.push(`${file} imports ${target}, but ${layer.why}`);
    }
  }
  return found;
}

/** Packages that core may use: pure arithmetic, the same in browsers. */
const corePackages = new Set(['@msgpack/msgpack', 'hash-wasm']);

describe('imports', () => {
  it('point inward only', () => {
    assert.ok(files.length > 100, 'the walk finds the sources');
    assert.deepEqual(violations(), []);
  });

  it('of core name no host and few packages', () => {
    const found = files
      .filter((file) => core.test(file) && !file.includes('/assembly/'))
      .flatMap((file) => specifiersOf(readFileSync(path.join(root, file), 'utf8')).map((name) => `${file}: ${name}`))
      .filter((line) => !/: \./.test(line) && !corePackages.has(line.split(': ')[1]!));
    assert.deepEqual(found, [], 'core is arithmetic: no I/O, clock, randomness or Buffer, and it runs in browsers');
  });

  it('of services and API name no package of a host', () => {
    const found = files
      .filter((file) => services.test(file) || api.test(file) || ports.test(file))
      .flatMap((file) => specifiersOf(readFileSync(path.join(root, file), 'utf8')).map((name) => `${file}: ${name}`))
      .filter((line) => /: (node:|@azure|jose)/.test(line));
    assert.deepEqual(found, [], 'use cases and the HTTP face run on any host: what they need of one is a port');
  });

  it('end in .ts, so that the files run as they are', () => {
    const found = files.flatMap((file) =>
      specifiersOf(readFileSync(path.join(root, file), 'utf8'))
        .filter((name) => name.startsWith('.') && !/\.(ts|js|mjs|json)$/.test(name))
        .map((name) => `${file}: ${name}`),
    );
    assert.deepEqual(found, []);
  });

  it('are found by the parser of this test', () => {
    const source = [
      "import { a } from './a.ts';",
      "import type {\n  B,\n} from './b.ts';",
      "export { c } from './c.ts';",
      "import './d.ts';",
      "const e = await import('./e.ts');",
      "/* import { f } from './f.ts'; */",
      "// import { g } from './g.ts';",
    ].join('\n');
    assert.deepEqual(specifiersOf(source).sort(), ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts']);
  });
});
