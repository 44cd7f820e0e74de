/** `tide inspect chunks FILE`: where a file is cut, and what its root is. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { createChunker } from '../../shared/core/chunk/chunker.ts';
import {
  type ChunkProfile,
  mustGetProfile,
  profileHeadBytes,
  profiles,
  selectProfile,
} from '../../shared/core/chunk/profiles.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { type Digest, bytesToDigest, parseDigestColumn } from '../../shared/core/ids.ts';
import { merkleRoot } from '../../shared/core/merkle/tree.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type OutputOptions, tableToLines } from './context.ts';
import { usageError } from './usage-error.ts';

interface InspectChunksOptions extends OutputOptions {
  readonly profile?: string;
}

interface InspectedChunk {
  readonly offset: number;
  readonly length: number;
  readonly hash: Digest;
}

function parseProfile(text: string): ChunkProfile {
  const found = Object.values(profiles).find((each) => each.name === text || String(each.id) === text);
  if (found === undefined) {
    const names = Object.values(profiles).map((each) => each.name);
    throw usageError(`there is no profile "${text}"; there are ${names.join(', ')}`);
  }
  return mustGetProfile(found.id);
}

function chunksOfFile(file: number, profile: ChunkProfile): InspectedChunk[] {
  const chunks: InspectedChunk[] = [];
  let offset = 0;
  const take = (chunk: Uint8Array) => {
    chunks.push({ offset, length: chunk.length, hash: bytesToDigest(blake3(chunk)) });
    offset += chunk.length;
  };
  const chunker = createChunker();
  chunker.start(profile);
  for (;;) {
    const read = readSync(file, chunker.space(), { position: null });
    if (read === 0) break;
    for (const chunk of chunker.commit(read)) take(chunk);
  }
  for (const chunk of chunker.finish()) take(chunk);
  return chunks;
}

/** A file's profile, chunks and root, as the agent would cut it when it is new. */
export function inspectFile(path: string, profileText: string | undefined) {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    const head = new Uint8Array(profileHeadBytes);
    const headLength = readSync(file, head, { position: 0 });
    const profile =
      profileText === undefined
        ? selectProfile({ size, head: head.subarray(0, headLength) })
        : parseProfile(profileText);
    const chunks = chunksOfFile(file, profile);
    const column = new Uint8Array(chunks.length * 32);
    chunks.forEach((chunk, i) => column.set(Buffer.from(chunk.hash, 'hex'), i * 32));
    return { profile: profile.name, root: merkleRoot(parseDigestColumn(column)), size, chunks };
  } finally {
    closeSync(file);
  }
}

export const inspectChunksCommand: DefineCommand = (context) =>
  newCommand('chunks', 'show where a file is cut into chunks, and its root', [
    'tide inspect chunks report.docx',
    'tide inspect chunks disk.img --profile large --json',
  ])
    .argument('<file>', 'a file on this device')
    .option('-p, --profile <name>', 'cut by this profile instead of the one for such files')
    .action(async (file: string, options: InspectChunksOptions) => {
      await installNativeBlake3();
      const inspected = inspectFile(file, options.profile);
      context.print(options, inspected, () => [
        `profile ${inspected.profile}, ${inspected.size} bytes, ${inspected.chunks.length} chunks`,
        `root ${inspected.root}`,
        ...tableToLines(inspected.chunks.map(({ offset, length, hash }) => [String(offset), String(length), hash])),
      ]);
    });
