/**
 * The times of a ring that many instances read, each on its own: a new key signs only after every instance that signs has read it. Then
 * whoever meets it in a journal finds it published, and no instance goes back to the key before it.
 */
const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** An instance reads the ring again after this long. */
export const refreshMs = 5 * minuteMs;
/** After a failure it tries again no sooner. */
export const retryMs = 15 * secondMs;
/** Without a newer ring it signs no more: a later key may be at work elsewhere. */
export const staleMs = 45 * minuteMs;
/** From the making of a key to its first signature; above `staleMs` by more than any clock is wrong. */
export const activationMs = 60 * minuteMs;
/** Nobody signs this long before and after a key's first moment: clocks differ by less. */
export const switchMs = 2 * secondMs;
