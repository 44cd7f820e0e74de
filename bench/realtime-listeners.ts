/** Sockets that listen to a workspace, as light as they can be: the measurement shares its cores with what it measures. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { WorkspaceId } from '../shared/core/ids.ts';
import { type CommitEvent, decodeRealtimeEvent } from '../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace } from '../shared/ports/notifier.ts';
import type { StackClient } from '../tests/local/stack-client.ts';

export interface Listener {
  readonly socket: WebSocket;
  /** Seqs of the commits that were heard of, as they came. */
  readonly seqs: number[];
  /** Called with each commit. */
  onCommit: (event: CommitEvent) => void;
}

interface Frame {
  readonly type?: string;
  readonly event?: string;
  readonly from?: string;
  readonly dataType?: string;
  readonly data?: unknown;
  readonly success?: boolean;
}

function takeFrame(listener: Listener, frame: Frame): void {
  if (frame.type !== 'message' || frame.dataType !== 'binary') return;
  const event = decodeRealtimeEvent(Buffer.from(String(frame.data), 'base64'));
  if (event.kind !== 'commit') return;
  listener.seqs.push(event.seq);
  listener.onCommit(event);
}

/** Resolves when the socket is in the group. */
async function openListener(url: string, group: string): Promise<Listener> {
  const socket = new WebSocket(url, 'json.webpubsub.azure.v1');
  const listener: Listener = { socket, seqs: [], onCommit: () => undefined };
  const joined = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Frame;
      if (frame.type === 'system' && frame.event === 'connected') {
        socket.send(JSON.stringify({ type: 'joinGroup', group, ackId: 1 }));
      } else if (frame.type === 'ack') {
        if (frame.success === true) resolve();
        else reject(new Error('a listener may not join'));
      } else {
        takeFrame(listener, frame);
      }
    });
  });
  await joined;
  return listener;
}

/** `count` sockets of the client's user that have joined the workspace's group. */
export async function openListeners(
  client: StackClient,
  workspaceId: WorkspaceId,
  count: number,
): Promise<readonly Listener[]> {
  const { url } = await client.api.negotiate({ seats: [{ workspaceId, deviceId: client.deviceId }] });
  if (url === null) throw new Error('the stack has no realtime service');
  const listeners: Listener[] = [];
  while (listeners.length < count) {
    const some = Math.min(50, count - listeners.length);
    const group = groupOfWorkspace(workspaceId);
    listeners.push(...(await Promise.all(Array.from({ length: some }, () => openListener(url, group)))));
  }
  return listeners;
}

export async function closeListeners(listeners: readonly Listener[]): Promise<void> {
  await Promise.all(
    listeners.map(async ({ socket }) => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    }),
  );
}
