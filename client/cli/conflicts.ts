/** `tide conflicts`: the conflict copies of a folder, what differs in them, and how to settle them. */
import { conflictsListCommand } from './conflicts-list.ts';
import { conflictsResolveCommand } from './conflicts-resolve.ts';
import { conflictsShowCommand } from './conflicts-show.ts';
import { Command } from 'commander';
import { type DefineCommand, addDefaultCommand } from './command.ts';

export const conflictsCommand: DefineCommand = (context) => {
  const conflicts = new Command('conflicts').description('list conflict copies, show what differs, and settle them');
  addDefaultCommand(conflicts, conflictsListCommand(context));
  conflicts.addCommand(conflictsShowCommand(context));
  conflicts.addCommand(conflictsResolveCommand(context));
  return conflicts;
};
