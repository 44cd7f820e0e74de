/**
 * The blob endpoint of a local deployment: signed URLs over a folder of plain files, in the dialect of Azure Blob, so that
 * clients, the official SDK among them, need not know which of the two they talk to. Bodies stream to and from disk; memory
 * is bounded by connections, not by sizes.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';
import { parseBlobRequest } from '../../shared/adapters/blob-protocol/blob-request.ts';
import { BlobFiles } from '../../shared/adapters/disk/blob-files.ts';
import { isFileError } from '../../shared/adapters/disk/file-errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { BlobCreated } from '../events/blob-created.ts';
import { listenOn } from '../host/http-server.ts';
import { getBlob } from './get-blob.ts';
import { putBlob } from './put-blob.ts';
import { sendRefusal } from './send-refusal.ts';
import { commitBlocks, stageBlock } from './stage-blocks.ts';
import { refusals } from '../../shared/adapters/blob-protocol/refusal.ts';

export interface BlobServerOptions {
  readonly folder: string;
  /** The key that signs URLs, the same as the store's. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each blob that was created, after it is durable and before the answer. Must not throw. */
  readonly onCreated?: (created: BlobCreated) => void;
}

export interface BlobServer {
  /** Sweeps unfinished uploads, then listens. Port 0 takes a free one. @returns the base URL. @throws TidemarkError as listenOn. */
  start(host: string, port: number): Promise<string>;
  /** Removes staged blocks that nobody will take up any more. @returns how many. */
  sweepBlocks(): Promise<number>;
  /** Stops taking connections, lets requests finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Idle connections stay open longer than any pause between two packs of one upload. */
const keepAliveMs = 65_000;

interface Endpoint extends BlobServerOptions {
  readonly files: BlobFiles;
}

async function answer(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = parseBlobRequest(
    {
      method: request.method ?? '',
      target: request.url ?? '',
      header: (name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : value?.[0];
      },
    },
    endpoint.key,
    endpoint.clock.now(),
  );
  switch (asked.kind) {
    case 'refused':
      return sendRefusal(request, response, asked.refusal);
    case 'read':
      return getBlob(endpoint.files, asked, request, response);
    case 'create':
      return putBlob(endpoint, asked, request, response);
    case 'stage-block':
      return stageBlock(endpoint, asked, request, response);
    case 'commit-blocks':
      return commitBlocks(endpoint, asked, request, response);
  }
}

const busyCodes = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** Answers one request whatever happens. The log gets codes, never the URL: it holds a signature. */
async function serve(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await answer(endpoint, request, response);
  } catch (error) {
    // The client went away: there is nobody to answer, and nothing was left behind.
    if (response.destroyed || isFileError(error, 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE')) return;
    const busy = isFileError(error, ...busyCodes) || isTidemarkError(error, 'busy');
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'none';
    endpoint.log.error({ method: request.method ?? '', code }, 'a blob request failed');
    if (response.headersSent) response.destroy();
    else await sendRefusal(request, response, busy ? refusals.busy : refusals.internal);
  }
}

/** A blob endpoint that is not listening yet. */
export function createBlobServer(options: BlobServerOptions): BlobServer {
  const endpoint: Endpoint = { ...options, files: new BlobFiles(options.folder, options.clock, options.log) };
  const server = createServer((request, response) => {
    void serve(endpoint, request, response);
  });
  server.keepAliveTimeout = keepAliveMs;
  // A body that takes longer than its URL lives will not be taken any more.
  server.requestTimeout = limits.uploadUrlSeconds * 1_000;
  return {
    start: async (host, port) => {
      await endpoint.files.prepare();
      return (await listenOn(server, { host, port }, 'The blob endpoint')).url;
    },
    sweepBlocks: () => endpoint.files.sweepBlocks(),
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}
