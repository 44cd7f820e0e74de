/**
 * I7 and I18, as clients see them: what a commit was answered follows from the tree it met and from the request alone. Each answered
 * commit is done again, on a copy of that tree, and has to come out the same; and a request that is answered twice gets the
 * same answer.
 */
import { bytesToHex, equalBytes } from '../../shared/core/bytes.ts';
import type { Digest, RequestId } from '../../shared/core/ids.ts';
import type { NodeSource } from '../../shared/core/merkle/node-source.ts';
import { type CommitRequest, type CommitResponse, commitResponse } from '../../shared/core/wire/commit.ts';
import type { TreeEdit } from '../../shared/core/wire/journal-entry.ts';
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { applyOperations } from '../../shared/services/merge/apply-operations.ts';
import { TreeView } from '../../shared/services/tree-view.ts';
import { Broken } from './broken.ts';
import type { Tally } from './tally.ts';

/** A commit that the service has answered. */
export interface AnsweredCommit {
  readonly requestId: RequestId;
  readonly request: CommitRequest;
  readonly deviceName: string;
  readonly answer: CommitResponse;
}

/** A commit of the journal, with the tree that it met. */
export interface FollowedCommit {
  readonly previousRoot: Digest;
  readonly root: Digest;
  readonly requestId: RequestId;
  readonly edits: readonly TreeEdit[];
}

function textOf(answer: CommitResponse): string {
  return JSON.stringify(commitResponse.toWire(answer), (_, value: unknown) =>
    value instanceof Uint8Array ? bytesToHex(value) : value,
  );
}

export class OutcomeReplay {
  readonly #nodes: NodeSource;
  readonly #rules: { readonly mode: WorkspaceMode; readonly policy: ConflictPolicy };
  readonly #tally: Tally;
  readonly #answers = new Map<RequestId, string>();
  #waiting: AnsweredCommit[] = [];

  constructor(
    nodes: NodeSource,
    rules: { readonly mode: WorkspaceMode; readonly policy: ConflictPolicy },
    tally: Tally,
  ) {
    this.#nodes = nodes;
    this.#rules = rules;
    this.#tally = tally;
  }

  note(commit: AnsweredCommit): void {
    this.#waiting.push(commit);
  }

  /** Checks what was answered since; `commitAt` gives the commits of the journal, which was followed to its end. */
  async catchUp(commitAt: (seq: number) => FollowedCommit | undefined): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const commit of waiting) {
      const before = this.#answers.get(commit.requestId);
      const text = textOf(commit.answer);
      this.#answers.set(commit.requestId, text);
      this.#tally.check('I7');
      if (before !== undefined && before !== text) {
        throw new Broken('I7', `request ${commit.requestId} is answered otherwise than before: ${before} then ${text}`);
      }
      if (before === undefined && commit.answer.head !== null)
        await this.#again(commit, commit.answer.head.seq, commitAt);
    }
  }

  async #again(
    { requestId, request, deviceName, answer }: AnsweredCommit,
    seq: number,
    commitAt: (seq: number) => FollowedCommit | undefined,
  ): Promise<void> {
    const followed = commitAt(seq);
    if (followed === undefined) throw new Broken('I6', `a commit was answered with ${seq}, which the journal has not`);
    // A commit that changed nothing is answered with the head that it met.
    const isIts = followed.requestId === requestId;
    const root = isIts ? followed.previousRoot : followed.root;
    const tree = new TreeView(this.#nodes, root);
    const { deviceId, operations } = request;
    const headSeq = isIts ? seq - 1 : seq;
    const context = { tree, ...this.#rules, deviceId, deviceName, requestId, headSeq, aliases: new Map() };
    const outcomes = await applyOperations(context, operations);
    this.#tally.check('I18');
    if (textOf({ ...answer, outcomes }) !== textOf(answer)) {
      throw new Broken('I18', `commit ${seq} done again has other outcomes: ${JSON.stringify(outcomes)}`);
    }
    const { edits } = tree.pendingEdits();
    if (!sameEdits(edits, isIts ? followed.edits : []))
      throw new Broken('I18', `commit ${seq} done again has other edits`);
  }
}

function sameEdits(a: readonly TreeEdit[], b: readonly TreeEdit[]): boolean {
  const sameValue = (x: Uint8Array | null, y: Uint8Array | null): boolean =>
    x === null || y === null ? x === y : equalBytes(x, y);
  return (
    a.length === b.length && a.every(({ key, value }, i) => equalBytes(key, b[i]!.key) && sameValue(value, b[i]!.value))
  );
}
