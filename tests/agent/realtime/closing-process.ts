/** Opens a connection to the URL that its input begins with, closes it at the moment that its argument names, and has nothing else to do. */
import { once } from 'node:events';
import { webPubSubSockets } from '../../../client/agent/realtime/web-pubsub-socket.ts';
import { machineTimers } from './watched-socket.ts';

const when = process.argv[2];
const [url] = (await once(process.stdin.setEncoding('utf8'), 'data')) as [string];

const timers = machineTimers();
let drawn = (): void => undefined;
const opened = new Promise<void>((resolve) => {
  const socket = webPubSubSockets({
    ...timers,
    random: () => {
      drawn();
      return 0;
    },
  })(url, {
    opened: () => {
      if (when === 'mending') {
        process.stdout.write('open\n');
        // What is drawn next is the wait before the line is mended.
        drawn = () => void setImmediate(close);
      } else if (when === 'open') close();
    },
    message: () => undefined,
    dropped: () => undefined,
    ended: () => {
      throw new Error('it was closed');
    },
  });
  const close = (): void => {
    drawn = () => undefined;
    void socket.close().then(() => {
      process.stdout.write('closed\n');
      resolve();
    });
  };
  if (when === 'connecting') setImmediate(close);
  if (when === 'hanging') process.stdin.once('end', close);
  process.stdin.resume();
});
await opened;
