/** The composition for reading a workspace's history and contents without opening the folder's agent: no lock, no journal written. */
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { FileEntry } from '../../shared/core/tree/entry.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { HistoryTrust } from '../agent/history/history-trust.ts';
import { History, type TreePoint } from '../agent/history/history.ts';
import { RemoteNodes } from '../agent/history/remote-nodes.ts';
import { type FoundNode, findAtPath, findNode } from '../agent/history/tree-paths.ts';
import { createTransferBuffers } from '../agent/transfer/buffers.ts';
import { type ByteRange, readContent } from '../agent/transfer/content-reader.ts';
import { createTransferCount } from '../agent/transfer/services.ts';
import { createInlineExecutor } from '../agent/workers/inline-executor.ts';
import { createTools } from '../agent/workers/tasks.ts';
import { verifySignature } from '../sdk/signatures.ts';
import { type CliContext, nameToText } from './context.ts';
import { timeToText } from './history-point.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

export interface OpenedHistory {
  readonly history: History;
  /** `pinned`: points are checked by the keys that the linked folder trusts; `published`: by those that the server shows now. */
  readonly trust: 'pinned' | 'published';
  /** The bytes of a file, each chunk checked. */
  readonly read: (file: Pick<FileEntry, 'content' | 'size'>, range?: ByteRange) => AsyncGenerator<Uint8Array>;
}

export async function openHistory(context: CliContext, target: WorkspaceTarget): Promise<OpenedHistory> {
  await installNativeBlake3();
  const { api, blobs } = target.connection;
  const { workspaceId } = target.workspace;
  const { signal } = context;
  const link = target.linked?.state;
  const trust = new HistoryTrust({ api, verify: verifySignature, workspaceId, link, signal });
  const nodes = new RemoteNodes(api, workspaceId, signal);
  const executor = createInlineExecutor(createTools(createNodeFileSystem(), nodeCodecs));
  const buffers = createTransferBuffers();
  const setting = { api, blobs, executor, buffers, workspaceId, count: createTransferCount() };
  return {
    history: new History({ api, workspaceId, trust, nodes, signal }),
    trust: link === undefined ? 'published' : 'pinned',
    read: (file, range = { offset: 0, length: file.size }) => readContent(setting, file, range, signal),
  };
}

/** A point as people and scripts are told of it. */
export function pointToText({ seq, timeMs }: TreePoint): string {
  return timeMs === null ? `commit ${seq}` : `commit ${seq} of ${timeToText(timeMs)}`;
}

export function pointToJson({ seq, root, timeMs }: TreePoint): Record<string, unknown> {
  return { seq, root, time: timeMs === null ? null : new Date(timeMs).toISOString() };
}

export function pathToText(path: string): string {
  return path === '' ? 'the workspace' : nameToText(path);
}

/**
 * What stood at a path after a commit; else, as it was then, what stands there now and was elsewhere. Throws `not-found`, saying when
 * that is and what to do.
 */
export async function mustFindAt(history: History, point: TreePoint, path: string): Promise<FoundNode> {
  const { nodes } = history;
  const then = await findAtPath(nodes, point.root, path);
  if (then !== undefined) return then;
  const now = await findAtPath(nodes, (await history.head()).root, path);
  const before = now === undefined ? undefined : await findNode(nodes, point.root, now.nodeId);
  if (before !== undefined) return before;
  throw new TidemarkError(
    'not-found',
    `there is nothing at ${pathToText(path)} after ${pointToText(point)}; \`tide history\` shows when there was`,
    { data: { seq: point.seq } },
  );
}
