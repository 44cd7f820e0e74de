/**
 * The refusal of a whole commit in a consistency-first workspace. It tells what stands in the head for every operation that met what
 * its author had not seen, so that the author can take that into account and commit again without asking.
 *
 * What is told is the head's: nothing that the refused operations did to each other shows in it. Operations after a stale one were
 * tried on what it left, so one of them may be told of that would have gone through alone; none is left out that would not.
 */
import { TidemarkError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { encodeEntry } from '../../core/tree/entry.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { Operation } from '../../core/wire/operation.ts';
import { type StaleOperation, staleOperationToText } from '../../core/wire/stale-base.ts';
import type { StandingNode } from '../tree-view.ts';
import { type MergeContext, realId } from './merge-context.ts';

export class StaleBase {
  readonly #context: MergeContext;
  readonly #told: string[] = [];
  #bytes = 0;
  #count = 0;
  #first: { readonly index: number; readonly operation: Operation; readonly outcome: Outcome } | undefined;

  constructor(context: MergeContext) {
    this.#context = context;
  }

  /** Notes an operation that is a conflict. Past the bounds of one refusal it is only counted. */
  async note(operation: Operation, outcome: Outcome, index: number): Promise<void> {
    this.#first ??= { index, operation, outcome };
    this.#count++;
    if (this.#told.length >= limits.staleOperationsMax || this.#bytes >= limits.staleBytesMax) return;
    const text = staleOperationToText(await this.#describe(operation, outcome, index));
    if (this.#bytes + text.length > limits.staleBytesMax && this.#told.length > 0) {
      // Those that come after it are left out too: what is told is a beginning, without gaps.
      this.#bytes = limits.staleBytesMax;
      return;
    }
    this.#told.push(text);
    this.#bytes += text.length;
  }

  async #describe(operation: Operation, { status, reason }: Outcome, index: number): Promise<StaleOperation> {
    const { tree } = this.#context;
    const node = await tree.findBefore(realId(this.#context, operation.nodeId));
    const place =
      operation.kind === 'delete'
        ? undefined
        : { parentId: realId(this.#context, operation.parentId), name: operation.name };
    const occupant = place === undefined ? undefined : await tree.getBefore(place);
    const isOther = occupant !== undefined && occupant.nodeId !== node?.entry.nodeId;
    return {
      index,
      wouldBe: status,
      reason,
      node: toStanding(node),
      occupant: place !== undefined && isOther ? toStanding({ place, entry: occupant }) : null,
    };
  }

  /** Throws `stale-base` if any operation was noted. */
  throwIfAny(): void {
    if (this.#first === undefined) return;
    const { index, operation, outcome } = this.#first;
    throw new TidemarkError('stale-base', 'the workspace has changed: take the changes, then commit again', {
      data: {
        index,
        operation: operation.kind,
        nodeId: operation.nodeId,
        wouldBe: outcome.status,
        reason: outcome.reason,
        headSeq: this.#context.headSeq,
        count: this.#count,
        stale: this.#told,
      },
    });
  }
}

function toStanding(node: StandingNode | undefined): StaleOperation['node'] {
  if (node === undefined) return null;
  const { parentId, name } = node.place;
  return { place: { parentId, name }, entry: encodeEntry(node.entry) };
}
