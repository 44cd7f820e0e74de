import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { FakeService } from './fake-service.ts';
import { ListeningFolder } from './listening-folder.ts';

/** A channel with so many live folders. */
export async function openWith(folders: number): Promise<{
  service: FakeService;
  channel: ReturnType<typeof createRealtimeChannel>;
  folders: ListeningFolder[];
}> {
  const service = new FakeService();
  const channel = createRealtimeChannel(service.needs);
  const joined = Array.from({ length: folders }, (_, n) => new ListeningFolder(channel, n + 1));
  await service.time.advance(200);
  await service.connect();
  return { service, channel, folders: joined };
}
