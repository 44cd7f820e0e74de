/** `tide inspect pack FILE`: what a pack holds, by its footer; every chunk is decoded and hashed, as the server does it. */
import { readFileSync, statSync } from 'node:fs';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { columnDigestAt } from '../../shared/core/ids.ts';
import { codecNumbers } from '../../shared/core/pack/codecs.ts';
import { decodeFooter, placesOfPack, readTail } from '../../shared/core/pack/pack-footer.ts';
import { packBlobBytesMax } from '../../shared/core/pack/pack-format.ts';
import { verifyPack } from '../../shared/core/pack/pack-reader.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, tableToLines } from './context.ts';

const codecNames = Object.fromEntries(Object.entries(codecNumbers).map(([name, number]) => [number, name]));

export function inspectPack(path: string) {
  if (statSync(path).size > packBlobBytesMax) throw new TidemarkError('too-large', `${path} is too large to be a pack`);
  const bytes = new Uint8Array(readFileSync(path));
  const { packId } = verifyPack(bytes, nodeCodecs);
  const tail = readTail(bytes, bytes.length);
  if (tail.footer === undefined) throw new TidemarkError('corrupt', `${path} ends within its footer`);
  const footer = decodeFooter(tail.footer, bytes.length);
  const chunks = placesOfPack(footer, packId).map((place, i) => ({
    hash: columnDigestAt(footer.hashes, i),
    length: place.length,
    frameOffset: place.frameOffset,
    offset: place.offset,
  }));
  const frames = footer.frames.map(({ offset, storedLength, rawLength, codec }) => ({
    offset,
    stored: storedLength,
    raw: rawLength,
    codec: codecNames[codec] ?? String(codec),
  }));
  const plainBytes = chunks.reduce((total, chunk) => total + chunk.length, 0);
  return { packId, storedBytes: bytes.length, plainBytes, frames, chunks };
}

export const inspectPackCommand: DefineCommand = (context) =>
  newCommand('pack', 'show the frames and chunks of a pack, and check them', ['tide inspect pack 3f9a….blob --json'])
    .argument('<file>', 'a pack, as stored')
    .action(async (file: string, options: OutputOptions) => {
      await installNativeBlake3();
      const pack = inspectPack(file);
      context.print(options, pack, () => [
        `pack ${pack.packId}: ${pack.storedBytes} bytes hold ${pack.plainBytes}, ${pack.chunks.length} chunks, all right`,
        ...tableToLines(
          pack.frames.map((each) => [`frame ${each.offset}`, each.codec, `${each.stored} -> ${each.raw}`]),
        ),
        ...tableToLines(
          pack.chunks.map((each) => [each.hash, String(each.length), `in ${each.frameOffset} at ${each.offset}`]),
        ),
      ]);
    });
