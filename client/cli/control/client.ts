/** A command's end of the control protocol. */
import { connect } from 'node:net';
import { LineReader, controlLimits, encodeLine, parseObject, plainToTidemarkError } from './protocol.ts';
import { isOwnSocket } from './socket-path.ts';

/** `gone`: nobody listens there, or the agent ended and did not answer. */
export type Answer = { readonly state: 'answered'; readonly result: unknown } | { readonly state: 'gone' };

export interface AskOptions {
  /** Aborted, this stops waiting and rejects with its reason; what the agent does goes on. */
  readonly signal: AbortSignal;
  readonly progress: (event: unknown, traffic: unknown) => void;
}

/** Asks the agent that listens at `path`. Rejects with the agent's error, as a TidemarkError. */
export function askAgent(path: string, action: string, params: unknown, options: AskOptions): Promise<Answer> {
  const { signal, progress } = options;
  if (!isOwnSocket(path)) return Promise.resolve({ state: 'gone' });
  return new Promise<Answer>((resolve, reject) => {
    signal.throwIfAborted();
    const lines = new LineReader(controlLimits.replyBytesMax);
    const socket = connect(path);
    const stop = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    const settle = (answer: Answer): void => {
      resolve(answer);
      socket.destroy();
    };
    const take = (line: string): void => {
      const reply = parseObject(line);
      if ('progress' in reply) {
        const { event, traffic } = Object(reply['progress']) as Readonly<Record<string, unknown>>;
        progress(event, traffic);
      } else if ('error' in reply) {
        reject(plainToTidemarkError(reply['error']));
        socket.destroy();
      } else {
        settle('result' in reply ? { state: 'answered', result: reply['result'] } : { state: 'gone' });
      }
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.on('connect', () => socket.write(encodeLine({ id: 1, action, params })));
    socket.on('data', (piece: Buffer) => {
      try {
        for (const line of lines.push(piece)) take(line);
      } catch (error) {
        reject(error);
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    // After an answer this changes nothing: a promise is settled once.
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      resolve({ state: 'gone' });
    });
  });
}
