/** `tide inspect`: the structures behind a folder, for the curious and for whoever looks for a fault. */
import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { inspectChunksCommand } from './inspect-chunks.ts';
import { inspectManifestCommand } from './inspect-manifest.ts';
import { inspectPackCommand } from './inspect-pack.ts';
import { inspectTreeCommand } from './inspect-tree.ts';

export const inspectCommand: DefineCommand = (context) => {
  const inspect = new Command('inspect').description('show chunks, packs, manifests and trees');
  for (const define of [inspectChunksCommand, inspectPackCommand, inspectManifestCommand, inspectTreeCommand]) {
    inspect.addCommand(define(context));
  }
  return inspect;
};
