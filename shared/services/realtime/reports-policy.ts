import type { RatePolicy } from '../../ports/rate-limiter.ts';

/**
 * What one connection may report of itself: a heartbeat a minute, each change of a folder's state, and progress of its uploads, all
 * together. More than this is dropped unread: the next report tells the same better. The bound is that of one process.
 */
export const reportsPolicy: RatePolicy = { name: 'reports', burst: 60, perSecond: 2 };
