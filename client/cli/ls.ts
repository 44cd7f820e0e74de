/** `tide ls`: what a workspace's folder holds on the server. */
import { type Entry, decodeEntry } from '../../shared/core/tree/entry.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import type { ApiClient } from '../sdk/api-client.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { nameToText, tableToLines } from './context.ts';
import { findWorkspace } from './find-workspace.ts';

interface LsOptions extends ServerOption {
  readonly workspace: string;
}

interface Listed {
  readonly name: string;
  readonly entry: Entry;
}

async function listAll(api: ApiClient, workspaceId: WorkspaceId, path: string, signal: AbortSignal) {
  const items: Listed[] = [];
  for (let after: string | null = null; ;) {
    const page = await api.listTree(workspaceId, path, after, signal);
    for (const item of page.items) items.push({ name: item.name, entry: decodeEntry(item.entry) });
    if (page.next === null) return { seq: page.seq, root: page.root, items };
    after = page.next;
  }
}

function toJson({ name, entry }: Listed): Record<string, unknown> {
  const detail =
    entry.kind === 'file'
      ? { size: entry.size, root: entry.content }
      : entry.kind === 'symlink'
        ? { target: entry.target }
        : {};
  return {
    name,
    kind: entry.kind,
    nodeId: entry.nodeId,
    modified: new Date(entry.mtimeMs).toISOString(),
    mode: entry.mode,
    ...detail,
  };
}

function toRow({ name, entry }: Listed): string[] {
  const size = entry.kind === 'file' ? String(entry.size) : '-';
  const text = nameToText(name);
  const shown =
    entry.kind === 'folder' ? `${text}/` : entry.kind === 'symlink' ? `${text} -> ${nameToText(entry.target)}` : text;
  return [entry.kind.padEnd(7), size.padStart(12), new Date(entry.mtimeMs).toISOString().slice(0, 16), shown];
}

export const lsCommand: DefineCommand = (context) =>
  newCommand('ls', 'list a folder of a workspace, as the server has it', [
    'tide ls --workspace photos',
    'tide ls 2026/summer --workspace photos --json',
  ])
    .argument('[path]', 'folder in the workspace', '')
    .requiredOption('-w, --workspace <name>', 'the workspace, by name or id')
    .option(...serverOption)
    .action(async (path: string, options: LsOptions) => {
      const { api } = connect(context, options.server);
      const workspace = await findWorkspace(api, options.workspace, context.signal);
      const clean = path
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/');
      const listing = await listAll(api, workspace.workspaceId, clean, context.signal);
      const data = { path: clean, seq: listing.seq, root: listing.root, items: listing.items.map(toJson) };
      context.print(options, data, () => tableToLines(listing.items.map(toRow)));
    });
