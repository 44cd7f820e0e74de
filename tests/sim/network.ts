/**
 * The network of the simulation: a Transport that hands requests to the server's handler and treats them as networks do. Lost on
 * the way, done and the answer lost, done twice, done again much later, answered by a proxy or a portal instead, cut short.
 */
import type { Transport } from '../../client/sdk/transport.ts';
import type { Random } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

/** Weights of what happens to a request. */
const fates = {
  lost: 3,
  answerLost: 4,
  doubled: 3,
  later: 2,
  unavailable: 2,
  rateLimited: 2,
  portal: 2,
  truncated: 2,
  flipped: 2,
} as const;
type Fate = keyof typeof fates | 'delivered';

/** Answers a request; undefined when the connection broke, whatever became of the request. */
export type Deliver = (request: Request) => Promise<Response | undefined>;

/** As a connection that only breaks where the server does. */
export function toTransport(deliver: Deliver): Transport {
  return async (request) => {
    const answer = await deliver(request);
    if (answer === undefined) throw new TypeError('fetch failed');
    return answer;
  };
}

export interface NetworkSetting {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** The server, and whoever serves its signed URLs. */
  readonly deliver: Deliver;
  /** Whether nothing of this owner gets through at all, now. */
  readonly isCut: (owner: Owner) => boolean;
  readonly tally: Tally;
  /** Share of requests that do not simply arrive, now. */
  readonly faultRate: () => number;
  readonly world: Owner;
}

/** The path of a request without ids and secrets, the same in every run of a seed. */
function labelOf(request: Request): string {
  const { protocol, pathname } = new URL(request.url);
  const path = protocol === 'memory:' ? 'blob' : pathname.replace(/[0-9a-f]{32}/g, '*').replace(/^\/api/, '');
  return `${request.method} ${path}`;
}

/** The way to the server for one owner. */
export type Network = (owner: Owner) => Transport;

export function createNetwork(setting: NetworkSetting): Network {
  const { scheduler, random, world } = setting;

  function fateOf(owner: Owner): Fate {
    const fate = random.chance(setting.faultRate()) ? random.weighted(fates) : 'delivered';
    if (setting.isCut(owner)) return 'lost';
    if (fate !== 'delivered') setting.tally.fault(`network ${fate}`);
    return fate;
  }

  function flip(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const flipped = bytes.slice();
    flipped[random.below(bytes.length)]! ^= 1 << random.below(8);
    return flipped;
  }

  return (owner) => async (request) => {
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
    const isBlob = request.url.startsWith('memory:');
    const label = labelOf(request);
    const fate = fateOf(owner);
    // Only what storage keeps can rot: a body under TLS arrives as it was or not at all.
    const sent = fate === 'flipped' && isBlob && body !== null ? flip(body) : body;
    const copy = (): Request => {
      const init: RequestInit = { method: request.method, headers: request.headers };
      if (sent !== null) init.body = sent;
      return new Request(request.url, init);
    };
    // Once sent, a request is under way whatever becomes of who sent it.
    await scheduler.park(world, `${owner.name}: ${fate === 'delivered' ? label : `${label} ${fate}`}`);
    const answer = await undergo(fate, setting, copy, () =>
      scheduler.later(world, `${label} again`, () => void setting.deliver(copy())),
    );
    await scheduler.park(owner, `${label} -> ${answer?.status ?? 'lost'}`);
    if (answer === undefined) throw new TypeError('fetch failed');
    if (fate === 'truncated') return withBody(answer, (bytes) => bytes.slice(0, random.below(bytes.length)));
    return fate === 'flipped' && isBlob && request.method === 'GET' ? withBody(answer, flip) : answer;
  };
}

/** The answer that comes back; undefined for none. */
async function undergo(
  fate: Fate,
  { deliver }: NetworkSetting,
  copy: () => Request,
  repeatLater: () => void,
): Promise<Response | undefined> {
  switch (fate) {
    case 'lost':
      return undefined;
    case 'answerLost':
      await deliver(copy());
      return undefined;
    case 'unavailable':
      return new Response('upstream timed out', { status: 503, headers: { 'retry-after': '1' } });
    case 'rateLimited':
      return new Response(null, { status: 429, headers: { 'retry-after': '2' } });
    case 'portal':
      return new Response('<html>Welcome to the hotel</html>', { headers: { 'content-type': 'text/html' } });
    case 'doubled':
      await deliver(copy());
      return deliver(copy());
    case 'later':
      repeatLater();
      return deliver(copy());
    default:
      return deliver(copy());
  }
}

async function withBody(
  response: Response,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length === 0) return new Response(null, response);
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(change(bytes), { status: response.status, headers });
}
