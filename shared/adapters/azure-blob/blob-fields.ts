/** Between the port's words and the SDK's. */
import type { AccessTier, BlobProperties } from '../../ports/blob-store.ts';
import { accessTiers } from '../../ports/blob-store.ts';

/** What both a listing and the answer to HEAD have. */
export interface SdkProperties {
  readonly contentLength?: number;
  readonly etag?: string;
  readonly createdOn?: Date;
  readonly lastModified?: Date;
  readonly accessTier?: string;
}

const sdkTiers = { hot: 'Hot', cool: 'Cool', cold: 'Cold', archive: 'Archive' } as const;

export function tierToSdk(tier: AccessTier): (typeof sdkTiers)[AccessTier] {
  return sdkTiers[tier];
}

/** Premium accounts have tiers of their own, or none: their bytes are at hand. */
function tierOf(name: string | undefined): AccessTier {
  return accessTiers.find((tier) => sdkTiers[tier] === name) ?? 'hot';
}

/** Azure's ETags are `0x` and hex digits, so that they can be part of a blob's name. Anything else never named an incarnation. */
const etagPattern = /^0x[0-9A-Fa-f]{1,32}$/;

/** As a condition of a request; undefined when storage never gave such an ETag. */
export function etagToHeader(etag: string): string | undefined {
  return etagPattern.test(etag) ? `"${etag}"` : undefined;
}

/** HEAD gives the ETag in quotes, a listing without. */
export function toBlobProperties(found: SdkProperties): BlobProperties {
  return {
    length: found.contentLength ?? 0,
    etag: (found.etag ?? '').replaceAll('"', ''),
    createdMs: (found.createdOn ?? found.lastModified ?? new Date(0)).getTime(),
    tier: tierOf(found.accessTier),
  };
}
