/** One synced folder for tests, over any FileSystem: scans, uploads and applies against a fake server. */
import { parseDeviceId, parseWorkspaceId } from '../../../shared/core/ids.ts';
import type { Codecs } from '../../../shared/core/pack/codecs.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import type { FileSystem } from '../../../client/agent/file-system.ts';
import { linkFolder } from '../../../client/agent/folder/control-folder.ts';
import { createSyncedFolder } from '../../../client/agent/folder/synced-folder.ts';
import type { ApplyAction, ApplyResult, Finding, Folder, ScanReport, Upload } from '../../../client/agent/ports.ts';
import { createTransferBuffers } from '../../../client/agent/transfer/buffers.ts';
import { type TransferSetting, createTransferCount } from '../../../client/agent/transfer/services.ts';
import { uploadFiles } from '../../../client/agent/transfer/upload.ts';
import type { Executor } from '../../../client/agent/workers/executor.ts';
import { createInlineExecutor } from '../../../client/agent/workers/inline-executor.ts';
import { createTools } from '../../../client/agent/workers/tasks.ts';
import { FakeServer } from '../transfer/fake-server.ts';
import { KnownTree } from './known-tree.ts';

export const signal = new AbortController().signal;
export const testLink = { workspaceId: parseWorkspaceId('1'.repeat(32)), deviceId: parseDeviceId('2'.repeat(32)) };

/** Ids that count up: no randomness in tests. */
function countingBytes(): { bytes(length: number): Uint8Array } {
  let next = 1;
  return {
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      new DataView(bytes.buffer).setUint32(length - 4, next++);
      return bytes;
    },
  };
}

export class Device {
  readonly fs: FileSystem;
  readonly root: string;
  readonly server: FakeServer;
  readonly known = new KnownTree();
  readonly folder: Folder;
  readonly transfer: TransferSetting;

  constructor(
    fs: FileSystem,
    root: string,
    options: { server?: FakeServer; executor?: Executor; codecs?: Codecs; symlinks?: 'sync' | 'skip' } = {},
  ) {
    this.fs = fs;
    this.root = root;
    this.server = options.server ?? new FakeServer(nodeCodecs);
    const executor = options.executor ?? createInlineExecutor(createTools(fs, nodeCodecs));
    const { api, blobs } = this.server;
    this.transfer = {
      api,
      blobs,
      executor,
      root,
      ...testLink,
      buffers: createTransferBuffers(),
      count: createTransferCount(),
    };
    this.folder = createSyncedFolder({
      fs,
      executor,
      root,
      link: testLink,
      transfer: this.transfer,
      randomness: countingBytes(),
      reserveBytes: 0,
      symlinks: options.symlinks ?? 'sync',
    });
  }

  async open(): Promise<void> {
    linkFolder(this.fs, this.root, testLink);
    await this.folder.open();
  }

  /** Scans and absorbs. */
  async scan(): Promise<ScanReport> {
    const findings: Finding[] = [];
    const report = await this.folder.scan(this.known, (batch) => void findings.push(...batch), signal);
    this.known.absorb(findings, report.missing);
    return { ...report, findings };
  }

  /** Everything known, sent; with the manifests that a commit would bring. */
  async upload() {
    const uploads: Upload[] = [];
    for (const node of this.known.nodes.values()) {
      if (node.kind !== 'file' || node.content === null) continue;
      const chunks = this.known.chunksOf(node.content) ?? null;
      if (chunks !== null) this.server.learnManifest(chunks);
      uploads.push({
        path: this.known.path(node.nodeId)!,
        content: node.content,
        size: node.stat.size,
        stat: node.stat,
        chunks,
      });
    }
    return uploadFiles(this.transfer, uploads, () => false, signal);
  }

  apply(actions: readonly ApplyAction[]): Promise<readonly ApplyResult[]> {
    return this.folder.apply(actions, this.known, signal);
  }

  /** Actions that make an empty folder this tree. */
  actionsToCopy(): ApplyAction[] {
    const actions: ApplyAction[] = [];
    const nodes = [...this.known.nodes.values()].map((node) => ({ node, path: this.known.path(node.nodeId)! }));
    nodes.sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const { node, path } of nodes) {
      const { nodeId, kind, content, target, stat } = node;
      if (kind === 'folder') actions.push({ kind: 'make-folder', nodeId, path });
      else if (kind === 'symlink')
        actions.push({ kind: 'make-symlink', nodeId, path, target: target!, expected: null });
      else {
        const { size, mode } = stat;
        const mtimeMs = Math.floor(stat.mtimeMs);
        actions.push({ kind: 'write-file', nodeId, path, content: content!, size, mode, mtimeMs, expected: null });
      }
    }
    return actions;
  }

  /** Takes over from `from` what was applied here. */
  adopt(results: readonly ApplyResult[], from: KnownTree): void {
    for (const result of results) {
      const node = from.get(result.nodeId);
      if (!result.done || node === undefined) continue;
      if (result.stat === null) this.known.nodes.delete(result.nodeId);
      else this.known.nodes.set(result.nodeId, { ...node, stat: result.stat });
      const chunks = node.content === null ? undefined : from.chunksOf(node.content);
      if (chunks !== undefined) this.known.contents.set(chunks.root, chunks);
    }
  }
}

/** Paths of nodes, for comparing. */
export function pathsOf(findings: readonly Finding[], change: Finding['change']): string[] {
  return findings
    .filter((finding) => finding.change === change)
    .map(({ path }) => path)
    .sort();
}
