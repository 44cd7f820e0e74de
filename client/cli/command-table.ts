/**
 * Every command: in which group `tide --help` shows it, its summary, and where it is. Only the module of the command that was asked for
 * is loaded, with all that it imports: that is what makes `tide --help` and small commands start at once. The summaries are here a
 * second time for the same reason; a test holds them against the commands' own.
 */
import type { DefineCommand } from './command.ts';

export const commandGroups = ['Start:', 'Every day:', 'History:', 'Sharing:', 'Repair:'] as const;

export interface CommandRow {
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  readonly summary: string;
  readonly load: () => Promise<DefineCommand>;
}

export const commandTable: readonly CommandRow[] = [
  {
    name: 'login',
    group: 'Start:',
    summary: 'log in to a server',
    load: async () => (await import('./login.ts')).loginCommand,
  },
  {
    name: 'logout',
    group: 'Start:',
    summary: 'forget a login on this machine',
    load: async () => (await import('./logout.ts')).logoutCommand,
  },
  {
    name: 'whoami',
    group: 'Start:',
    summary: 'show who you are logged in as, and for how long',
    load: async () => (await import('./whoami.ts')).whoamiCommand,
  },
  {
    name: 'create',
    group: 'Start:',
    summary: 'create a workspace: one folder tree that devices share',
    load: async () => (await import('./create.ts')).createCommand,
  },
  {
    name: 'list',
    group: 'Start:',
    summary: 'list your workspaces',
    load: async () => (await import('./list.ts')).listCommand,
  },
  {
    name: 'link',
    group: 'Start:',
    summary: 'make a folder of this device the folder of a workspace',
    load: async () => (await import('./link.ts')).linkCommand,
  },
  {
    name: 'unlink',
    group: 'Start:',
    summary: 'end the link of a folder; its files stay',
    load: async () => (await import('./unlink.ts')).unlinkCommand,
  },
  {
    name: 'sync',
    group: 'Every day:',
    summary: 'sync a linked folder once, until nothing is left to do',
    load: async () => (await import('./sync.ts')).syncCommand,
  },
  {
    name: 'status',
    group: 'Every day:',
    summary: 'show whether a linked folder is up to date, and what is not',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  {
    name: 'watch',
    group: 'Every day:',
    summary: 'keep folders in sync until this is stopped',
    load: async () => (await import('./watch.ts')).watchCommand,
  },
  {
    name: 'pause',
    group: 'Every day:',
    summary: 'stop syncing a folder by itself, for a while or until tide resume',
    load: async () => (await import('./pause.ts')).pauseCommand,
  },
  {
    name: 'resume',
    group: 'Every day:',
    summary: 'end the pause of a folder',
    load: async () => (await import('./resume.ts')).resumeCommand,
  },
  {
    name: 'service',
    group: 'Every day:',
    summary: 'watch folders whenever you are logged in to this machine',
    load: async () => (await import('./service.ts')).serviceCommand,
  },
  {
    name: 'conflicts',
    group: 'Every day:',
    summary: 'list conflict copies, show what differs, and settle them',
    load: async () => (await import('./conflicts.ts')).conflictsCommand,
  },
  {
    name: 'ignore',
    group: 'Every day:',
    summary: 'leave files out of syncing by patterns, as git does; for all devices',
    load: async () => (await import('./ignore.ts')).ignoreCommand,
  },
  {
    name: 'why-ignored',
    group: 'Every day:',
    summary: 'show which rule ignores a file, or that none does',
    load: async () => (await import('./why-ignored.ts')).whyIgnoredCommand,
  },
  {
    name: 'exclude',
    group: 'Every day:',
    summary: 'keep parts of a workspace off this device; nothing is deleted elsewhere',
    load: async () => (await import('./exclude.ts')).excludeCommand,
  },
  {
    name: 'include',
    group: 'Every day:',
    summary: 'have excluded parts of a workspace on this device again',
    load: async () => (await import('./include.ts')).includeCommand,
  },
  {
    name: 'ls',
    group: 'Every day:',
    summary: 'list a folder of a workspace, as the server has it',
    load: async () => (await import('./ls.ts')).lsCommand,
  },
  {
    name: 'log',
    group: 'History:',
    summary: 'show the commits of a workspace, newest first: who changed what, and when',
    load: async () => (await import('./log.ts')).logCommand,
  },
  {
    name: 'history',
    group: 'History:',
    summary: 'show the versions of a file or folder, newest first; of a deleted one too',
    load: async () => (await import('./history.ts')).historyCommand,
  },
  {
    name: 'restore',
    group: 'History:',
    summary: 'bring back a file, a folder or everything as it was; nothing of the history is lost by it',
    load: async () => (await import('./restore.ts')).restoreCommand,
  },
  {
    name: 'cat',
    group: 'History:',
    summary: 'print the content of a file, checked chunk by chunk; a part of it costs only its chunks',
    load: async () => (await import('./cat.ts')).catCommand,
  },
  {
    name: 'diff',
    group: 'History:',
    summary: 'show what differs between two points, two versions of a file, or this disk and the workspace',
    load: async () => (await import('./diff.ts')).diffCommand,
  },
  {
    name: 'share',
    group: 'Sharing:',
    summary: 'share a workspace with somebody, or give them another role in it',
    load: async () => (await import('./share.ts')).shareCommand,
  },
  {
    name: 'members',
    group: 'Sharing:',
    summary: 'who is in a workspace, and as what',
    load: async () => (await import('./members.ts')).membersCommand,
  },
  {
    name: 'who',
    group: 'Sharing:',
    summary: 'show which devices are in a workspace, and what they are doing',
    load: async () => (await import('./who.ts')).whoCommand,
  },
  {
    name: 'devices',
    group: 'Sharing:',
    summary: 'your devices, and how to revoke one',
    load: async () => (await import('./devices.ts')).devicesCommand,
  },
  {
    name: 'usage',
    group: 'Sharing:',
    summary: 'show how much a workspace holds and how much it may',
    load: async () => (await import('./usage.ts')).usageCommand,
  },
  {
    name: 'rename',
    group: 'Sharing:',
    summary: 'give a workspace another name; folders stay where and as they are',
    load: async () => (await import('./rename.ts')).renameCommand,
  },
  {
    name: 'policy',
    group: 'Sharing:',
    summary: 'show or set how a workspace settles conflicts',
    load: async () => (await import('./policy.ts')).policyCommand,
  },
  {
    name: 'delete',
    group: 'Sharing:',
    summary: 'delete a workspace; for 30 days `tide undelete` brings it back',
    load: async () => (await import('./delete.ts')).deleteCommand,
  },
  {
    name: 'undelete',
    group: 'Sharing:',
    summary: 'bring a deleted workspace back, or list those that can be',
    load: async () => (await import('./undelete.ts')).undeleteCommand,
  },
  {
    name: 'doctor',
    group: 'Repair:',
    summary: 'check this machine, the login, the server and a linked folder, and say what to do',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'verify',
    group: 'Repair:',
    summary: 'read every file of a linked folder and compare it with what the server signed',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'inspect',
    group: 'Repair:',
    summary: 'show chunks, packs, manifests and trees',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  {
    name: 'completion',
    group: 'Start:',
    summary: 'print a script that completes tide in your shell',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
  {
    name: 'version',
    group: 'Repair:',
    summary: 'show the version of tide and what it runs on',
    load: async () => (await import('./version.ts')).versionCommand,
  },
];
