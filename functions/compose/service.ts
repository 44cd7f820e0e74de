/**
 * Builds the service of a config: names the adapters (those that are a choice are in the files beside this one) and opens them. The
 * Functions app runs on it, and so does the operators' command line.
 */
import { createApi } from '../../shared/api/api.ts';
import { failedTokensPolicy, withFailureLimit } from '../../shared/api/limited-tokens.ts';
import { createTokenBucketLimiter } from '../../shared/adapters/memory/token-bucket-limiter.ts';
import { protocolVersion } from '../../shared/core/wire/protocol.ts';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { createOidcTokenVerifier } from '../../shared/adapters/node/oidc-token-verifier.ts';
import { createOtelMetrics } from '../../shared/adapters/open-telemetry/otel-metrics.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { commit } from '../../shared/services/commit.ts';
import { createCommitTurns, withCommitQueue, withRestoreQueue } from '../../shared/services/commit-queue.ts';
import { reportsPolicy } from '../../shared/services/realtime/reports-policy.ts';
import { withAnnouncements, withRestoreAnnouncements } from '../../shared/services/realtime/with-announcements.ts';
import { restore } from '../../shared/services/restore.ts';
import type { Config } from '../config.ts';
import { createConsoleLog } from '../console-log.ts';
import type { Service } from '../service.ts';
import { openBlobs } from './blobs.ts';
import { openChangeFeed } from './change-feed.ts';
import { openMetadata } from './metadata.ts';
import { openQueues } from './queues.ts';
import { openRealtime } from './realtime.ts';
import { openSigner } from './signer.ts';

/** What /health tells of the build. */
const version = '0.1.0';

/** The service of a config, with its stores open. */
export async function buildService(config: Config): Promise<Service> {
  await installNativeBlake3();
  const clock = systemClock;
  const log = createConsoleLog(config.logLevel);
  const turns = createCommitTurns();
  const { issuer, audience, clientId, development, region, rateLimit } = config;
  const tokens = createOidcTokenVerifier({ issuer, audience, clock });
  const metrics = createOtelMetrics();
  const realtime = await openRealtime(config.realtime, { clock, log, metrics });
  const deps = {
    blobs: await openBlobs(config.blobs, clock, log),
    ...(await openMetadata(config.metadata, clock)),
    signer: await openSigner(config.signingKeys, clock, log),
    clock,
    randomness: systemRandomness,
    log,
    codecs: nodeCodecs,
    region,
    tokens: rateLimit === null ? tokens : withFailureLimit(tokens, createTokenBucketLimiter(failedTokensPolicy), clock),
    configuration: { protocol: protocolVersion, issuer, audience, clientId, development },
    version,
    // Outside the queue: no commit waits until another was announced.
    commit: withAnnouncements(withCommitQueue(commit, turns), realtime.announcer),
    restore: withRestoreAnnouncements(withRestoreQueue(restore, turns), realtime.announcer),
    queue: await openQueues(config.queues, clock),
    changeFeed: await openChangeFeed(config.changeFeed, log),
    metrics,
    rateLimiter: rateLimit === null ? null : createTokenBucketLimiter(rateLimit),
    operators: config.operators,
    defaultQuota: config.defaultQuota,
    ...realtime,
    reportLimiter: createTokenBucketLimiter(reportsPolicy),
  };
  return { deps, api: createApi(deps) };
}
