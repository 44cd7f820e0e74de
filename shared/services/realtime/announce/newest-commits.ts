import type { WorkspaceId } from '../../../core/ids.ts';
import type { CommitEvent } from '../../../core/wire/realtime-event.ts';

interface Newest {
  readonly event: CommitEvent;
  readonly isSent: boolean;
}

/**
 * The highest commit that each workspace was announced with, so that one that comes late tells nobody of an older head. Of the workspaces
 * that were announced last only: of others an older head may be told after a newer one, which makes clients look once more.
 */
export class NewestCommits {
  readonly #max: number;
  readonly #newest = new Map<WorkspaceId, Newest>();

  constructor(max: number) {
    this.#max = max;
  }

  get(workspaceId: WorkspaceId): Newest | undefined {
    return this.#newest.get(workspaceId);
  }

  set(event: CommitEvent): void {
    this.#newest.delete(event.workspaceId);
    this.#newest.set(event.workspaceId, { event, isSent: false });
    if (this.#newest.size <= this.#max) return;
    const [oldest] = this.#newest.keys();
    if (oldest !== undefined) this.#newest.delete(oldest);
  }

  /** The service has taken it. */
  sent(event: CommitEvent): void {
    const newest = this.#newest.get(event.workspaceId);
    if (newest?.event.seq === event.seq) this.#newest.set(event.workspaceId, { event: newest.event, isSent: true });
  }

  /** The workspace is gone: another under its id begins anew. */
  forget(workspaceId: WorkspaceId): void {
    this.#newest.delete(workspaceId);
  }
}
