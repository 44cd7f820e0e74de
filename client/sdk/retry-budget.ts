/**
 * A budget of retries that the requests of a process share (as gRPC's retry throttling, proposal A6): each retry costs one, each success
 * earns a part of one. While a server is away the budget is soon used up, and a request is sent once instead of as many times as its
 * policy allows: thousands of clients do not multiply the load of a server that comes back.
 */
const most = 20;
/** With this a third of all requests may fail and still be retried. */
const earnedBySuccess = 0.5;

export class RetryBudget {
  #left = most;

  /** Whether a failed request may be sent again. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  succeed(): void {
    this.#left = Math.min(most, this.#left + earnedBySuccess);
  }
}
