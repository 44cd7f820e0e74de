/** How much of an upload session has arrived. Small sessions are over before anybody would look, and are not told of. */
import type { SessionId } from '../../../shared/core/ids.ts';

/** From this size on a session is told of, in bytes: at a few MB/s it takes seconds. */
const toldBytesMin = 4 * 1024 * 1024;

export class SentShare {
  readonly #sessionId: SessionId;
  readonly #total: number;
  readonly #tell: ((sessionId: SessionId, percent: number) => void) | undefined;
  #sent = 0;

  /** `total`: bytes of the session's packs. */
  constructor(
    sessionId: SessionId,
    total: number,
    tell: ((sessionId: SessionId, percent: number) => void) | undefined,
  ) {
    this.#sessionId = sessionId;
    this.#total = total;
    this.#tell = total < toldBytesMin ? undefined : tell;
    this.#tell?.(sessionId, 0);
  }

  /** So many bytes more are there. A pack that had to be given up never counts: such a session does not come to 100. */
  add(bytes: number): void {
    this.#sent += bytes;
    this.#tell?.(this.#sessionId, Math.floor((100 * this.#sent) / this.#total));
  }
}
