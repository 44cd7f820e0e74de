/**
 * The emulator as a process: `node tests/cosmos-emulator/main.ts --port 0 --file <sqlite>`. When it is ready it prints one line
 * of JSON, `{"endpoint":…,"key":…}`, and sends the same to a parent that forked it. It ends with its parent: when the channel
 * to it closes, or else when its standard input ends.
 */
import { parseArgs } from 'node:util';
import { startCosmosEmulator } from './emulator.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, file: { type: 'string', default: ':memory:' } },
});
const emulator = await startCosmosEmulator({ port: Number(values.port), file: values.file });

let ending = false;
function end(): void {
  if (ending) return;
  ending = true;
  void emulator.close().finally(() => process.exit());
}

process.on('SIGINT', end);
process.on('SIGTERM', end);
if (process.send === undefined) {
  process.stdin.on('end', end);
  process.stdin.resume();
} else {
  process.on('disconnect', end);
}
const { endpoint, key } = emulator;
console.log(JSON.stringify({ endpoint, key }));
process.send?.({ endpoint, key });
