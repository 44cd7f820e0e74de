import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BlobReply, createdReply, stagedReply } from '../../shared/adapters/blob-protocol/blob-reply.ts';
import type { CommitBlocks, StageBlock } from '../../shared/adapters/blob-protocol/blob-request.ts';
import { blockListBytesMax, parseBlockList } from '../../shared/adapters/blob-protocol/block-list.ts';
import { type BlobRefusal, refusals } from '../../shared/adapters/blob-protocol/refusal.ts';
import { limits } from '../../shared/core/limits.ts';
import { type PutBlobDeps, receive } from './put-blob.ts';
import { sendRefusal } from './send-refusal.ts';

async function storeBlock(deps: PutBlobDeps, asked: StageBlock, request: IncomingMessage): Promise<BlobRefusal | null> {
  const staged = await deps.files.stage();
  try {
    const md5 = asked.contentMd5 === undefined ? undefined : createHash('md5');
    const bytes = await receive(request, staged, md5, limits.stagedBlockBytesMax);
    if (bytes > limits.stagedBlockBytesMax) return refusals.blockTooLarge;
    if (md5 !== undefined && md5.digest('base64') !== asked.contentMd5) return refusals.md5;
    const added = await deps.files.addBlock(asked.name, asked.id, staged);
    if (added === 'added') return null;
    return added === 'too-many' ? refusals.blockCount : refusals.blockIdLength;
  } finally {
    await staged.discard();
  }
}

/** Put Block: 201 once the block is durable. A block of the same id is replaced. */
export async function stageBlock(
  deps: PutBlobDeps,
  asked: StageBlock,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (asked.lengthBytes === undefined) return sendRefusal(request, response, refusals.lengthMissing);
  const refusal = await storeBlock(deps, asked, request);
  if (refusal !== null) return sendRefusal(request, response, refusal);
  send(response, stagedReply());
}

/** The body as text; undefined when it is longer than any list. */
async function readList(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > blockListBytesMax) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/**
 * Put Block List: 201 once the blob is durable; one that was there is replaced. The blocks of an earlier list are not kept, so a
 * list that names them is refused, where Azure would find them in the blob: whoever lost an answer asks what is there.
 */
export async function commitBlocks(
  deps: PutBlobDeps,
  asked: CommitBlocks,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (asked.lengthBytes === undefined) return sendRefusal(request, response, refusals.lengthMissing);
  const body = await readList(request);
  if (body !== undefined && asked.contentMd5 !== undefined) {
    const md5 = createHash('md5').update(body).digest('base64');
    if (md5 !== asked.contentMd5) return sendRefusal(request, response, refusals.md5);
  }
  const list = body === undefined ? undefined : parseBlockList(body.toString('utf8'));
  if (list === undefined) return sendRefusal(request, response, refusals.xml);
  if (list.some((block) => block.from === 'committed')) return sendRefusal(request, response, refusals.blockList);
  const { name } = asked;
  const ids = list.map((block) => block.id);
  const made = await deps.files.commitBlocks(name, ids);
  if (made === 'missing') return sendRefusal(request, response, refusals.blockList);
  if (made === 'too-large') return sendRefusal(request, response, refusals.tooLarge);
  deps.onCreated?.({ container: 'staging', name, api: 'PutBlockList', ...made });
  send(response, createdReply(made));
}

function send(response: ServerResponse, reply: BlobReply): void {
  response.writeHead(reply.status, reply.headers);
  response.end();
}
