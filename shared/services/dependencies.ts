/** What the use cases may ask of the world. Each takes only the part that it names. */
import type { Codecs } from '../core/pack/codecs.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { ChangeFeed } from '../ports/change-feed.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MetadataStore, Quota } from '../ports/metadata-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Queue } from '../ports/queue.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { RateLimiter } from '../ports/rate-limiter.ts';
import type { Signer } from '../ports/signer.ts';
import type { Announcer } from './realtime/announcer.ts';

export interface ServiceDependencies {
  readonly blobs: BlobStore;
  readonly metadata: MetadataStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly codecs: Codecs;
  /** Where this stack is, the region of workspaces that are created without naming one. */
  readonly region: string;
  readonly queue: Queue;
  readonly changeFeed: ChangeFeed;
  readonly metrics: Metrics;
  /** Of workspaces that are created from now on; an operator may change it for each. */
  readonly defaultQuota: Quota;
  /** Null: this stack has no realtime service, and clients poll. */
  readonly notifier: Notifier | null;
  readonly announcer: Announcer;
  /** Of what connections report of themselves (realtime/reports-policy.ts), a bucket for each connection. */
  readonly reportLimiter: RateLimiter;
}

export type Needs<Name extends keyof ServiceDependencies> = Pick<ServiceDependencies, Name>;
