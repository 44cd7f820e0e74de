/** `tide cat PATH`: the content of a file, from the server and checked, to standard output. */
import { InvalidArgumentError } from 'commander';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { openFileAt } from './file-at.ts';
import { type WorkspaceOption, workspaceOption } from './workspace-target.ts';
import { usageError } from './usage-error.ts';

interface CatOptions extends WorkspaceOption {
  readonly at?: string;
  readonly offset: number;
  readonly length?: number;
}

function parseBytes(text: string): number {
  const bytes = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('It is a number of bytes.');
  return bytes;
}

/** Text is what people look at; bytes like these would set their terminal about. */
function looksBinary(head: Uint8Array): boolean {
  return head.subarray(0, 4_096).some((byte) => byte < 8 || (byte > 13 && byte < 32 && byte !== 27));
}

export const catCommand: DefineCommand = (context) =>
  newCommand('cat', 'print the content of a file, checked chunk by chunk; a part of it costs only its chunks', [
    'tide cat ~/Notes/todo.txt@yesterday',
    'tide cat film.mkv --workspace photos --offset 1000000 --length 4096 > part',
    'tide cat --workspace photos 2026/list.txt --at 12',
  ])
    .argument('<path>', 'with --workspace a path in the workspace, else one in a linked folder; PATH@POINT as --at')
    .option(...workspaceOption)
    .option('--at <point>', 'as it was: after a commit (12) or at a time (2h, yesterday, "2026-11-20 14:30")')
    .option('--offset <bytes>', 'from this byte on', parseBytes, 0)
    .option('--length <bytes>', 'at most so many', parseBytes)
    .option(...serverOption)
    .action(async (pathText: string, options: CatOptions) => {
      if (options.json === true) {
        throw usageError('a content is no JSON; `tide ls --json` tells of the file, without --json it is printed');
      }
      const { file, opened } = await openFileAt(context, options, pathText);
      const length = options.length ?? file.size;
      let isFirst = true;
      const pieces = opened.read(file, { offset: options.offset, length });
      async function* warned(): AsyncGenerator<Uint8Array> {
        for await (const piece of pieces) {
          if (isFirst && process.stdout.isTTY && looksBinary(piece)) {
            context.note(options, 'This is no text: better send it to a file, with > FILE.');
          }
          isFirst = false;
          // A copy: the memory behind the piece is used again while the stream still holds it.
          yield piece.slice();
        }
      }
      await pipeline(Readable.from(warned(), { objectMode: false }), process.stdout, {
        end: false,
        signal: context.signal,
      });
    });
