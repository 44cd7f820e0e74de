/** When the channel does what, and how much it takes. Waits that many agents could share have chance in them, so that they do not come together. */

export const channelPace = {
  /** Folders that are opened or left at about the same time are one negotiation. */
  gatherMs: 200,
  /** For one negotiation, with what the SDK retries of it. */
  negotiateMaxMs: 60_000,
  /** From the URL to the last group that was joined. */
  connectMaxMs: 30_000,
  /** A connection that lasted this long was a good one: what failed before it is forgotten. */
  goodAfterMs: 60_000,
  /** Until a server without a realtime service, or one that refused a seat, is asked again; plus or minus a fifth. */
  absentMs: 600_000,
  /** The same, after a refusal that only a person settles, such as a login that ended. */
  refusedMs: 300_000,
  /** A server may ask for so much patience, and no more: it shall not be able to end the channel for ever. */
  askedMaxMs: 3_600_000,
  /** A folder hears at once, and then this often at most of commits, and as often of other things. */
  heardEveryMs: 250,
  /** A second commit within that is heard after this, one time: two people who save at about the same time are no flood. */
  heardSecondMs: 50,
  /** Other things than commits that wait for their turn, of one workspace. What is over that is dropped. */
  heardPendingMax: 64,
  /** Any event is a tenth of this. */
  eventBytesMax: 2_048,
  /** Between two reports, of presence for all folders and of each upload session. */
  reportEveryMs: 1_000,
  /** Upload sessions whose progress is told at once: an agent works at a few. Past it the oldest is told no more. */
  progressSessionsMax: 64,
} as const;
