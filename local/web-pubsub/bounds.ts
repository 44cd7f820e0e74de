/**
 * Every bound of the endpoint, with its reason. Together they bound its memory: what waits for a connection is bounded for each, and so
 * are connections. Where the service has a figure of its own it is taken, unless one machine needs less.
 */
const mebibyte = 1_048_576;

export const defaultBounds = {
  /** The service's own bound of a message; a larger one ends the connection with 1009. */
  frameBytesMax: mebibyte,
  /** A message by REST: as large as one by WebSocket. */
  requestBytesMax: mebibyte,
  /** One process of a device reports now and then and acknowledges once a second: a hundred a second is no device of ours. */
  messagesPerSecondMax: 100,
  /** At once: what a client joins and reports when it opens for all of its folders, with much room. */
  messagesBurstMax: 500,
  /** Connections and those being let in, of all hubs: one machine's devices and tests. A free tier of the service has 20. */
  connectionsMax: 1_000,
  /** Sockets of any kind: room for requests beside as many connections as there may be, and an end to those that say nothing. */
  socketsMax: 2_000,
  /** A request's headers are there at once. */
  headersMs: 10_000,
  /** A request's body is a mebibyte at most, and comes from this machine. */
  requestMs: 30_000,
  /** A connection serves 32 folders at most; each is one group. */
  groupsPerConnectionMax: 256,
  /** Role strings grow by grants of REST only; a token is bounded by its header. */
  permissionsPerConnectionMax: 1_024,
  /** The service's bound of messages that a reliable client has not acknowledged. The client acknowledges once a second. */
  unacknowledgedMessagesMax: 1_000,
  /** The service keeps 16 MiB; here a thousand connections share one machine. It has room for one message of the largest size. */
  unacknowledgedBytesMax: 2 * mebibyte,
  /** What waits for a socket that reads slowly. Frames have a cost of their own besides their bytes. */
  socketFramesMax: 10_000,
  socketBytesMax: 4 * mebibyte,
  /** Sockets that are written to in one turn of the event loop: a millisecond of work or less. */
  fanOutBatch: 64,
  /** Receivers of all messages that were accepted and are still to be sent: about a second of work. */
  fanOutReceiversMax: 50_000,
  /** The messages themselves; each is kept once for all of its receivers. */
  fanOutBytesMax: 16 * mebibyte,
  /** Events of one connection that wait for the handler: it is slow, and the client does not wait for its acks. */
  eventsPendingMax: 64,
  eventsPendingBytesMax: 2 * mebibyte,
  /** Ack ids that are known again when a client repeats a request that was carried out. Repeats follow a lost ack closely. */
  ackIdsKept: 1_000,
  /** A client tries to recover for 30 s after its socket has dropped, which it may learn a little later than we do. */
  recoverMs: 35_000,
  /** Idle sockets are pinged this often, and dropped when nothing was heard from one ping to the next: NATs forget after a minute or more. */
  keepAliveMs: 20_000,
  /** A peer that does not answer a close is cut. */
  closeMs: 2_000,
  /** The client's library waits for as long as we do, and a person behind it. */
  connectEventMs: 10_000,
  /** Handlers of user events may do some work. */
  userEventMs: 30_000,
  systemEventMs: 10_000,
  handshakeMs: 5_000,
  /** An answer of the handler becomes a message of the connection. */
  eventAnswerBytesMax: mebibyte,
  /** The text of a refusal goes to the client. */
  refusalBytesMax: 4_096,
  /** Clocks of one machine hardly differ; this is for containers. */
  tokenToleranceSeconds: 30,
  /** A filter that names a hundred users is shorter. */
  filterCharactersMax: 4_096,
  pageSizeMax: 200,
} as const;

export type WebPubSubBounds = { readonly [Name in keyof typeof defaultBounds]: number };
