/**
 * Builds shared/core/chunk/assembly/gear.ts (AssemblyScript) into shared/core/chunk/cut-wasm-base64.ts, which is
 * checked in: nobody needs the compiler to run Tidemark. `--print` writes the file to standard output instead; a test
 * compares that with the checked-in one, so the two cannot drift apart.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'shared/core/chunk/cut-wasm-base64.ts');

/** No runtime, no abort import, no memory of its own: the module is one function. */
const flags = '-O3 --runtime stub --noAssert --use abort= --importMemory --noExportMemory --initialMemory 1';

async function compile() {
  let binary;
  let messages = '';
  const { error } = await main(
    ['shared/core/chunk/assembly/gear.ts', ...flags.split(' '), '--outFile', 'gear.wasm', '--baseDir', root],
    { writeFile: (_name, contents) => void (binary = contents), stderr: { write: (text) => void (messages += text) } },
  );
  if (error) throw new Error(`asc failed: ${messages}`, { cause: error });
  return binary;
}

const binary = await compile();
const source = `/** ${binary.length} bytes of WebAssembly in base64url, built by scripts/build-wasm.mjs. Not edited by hand. */
export const cutWasmBase64 =
  '${Buffer.from(binary).toString('base64url')}';
`;

if (process.argv.includes('--print')) process.stdout.write(source);
else writeFileSync(target, source);
