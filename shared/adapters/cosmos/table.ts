/**
 * One container. Every call carries the session's token and adds to it, is charged to it, and throws coded errors only. The
 * SDK waits out throttling; a read that its replica cannot answer yet is asked again here.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Container, FeedResponse, ItemResponse, JSONObject, OperationInput } from '@azure/cosmos';
import { TidemarkError } from '../../core/errors.ts';
import type { ContainerName } from './containers.ts';
import { sdkErrorOf, sessionNotAvailable, toStoreError } from './cosmos-errors.ts';
import type { Sessions } from './request-session.ts';

/** A document to store. Bytes are base64 (document.ts). */
export type Document = Readonly<JSONObject> & { readonly pk: string; readonly id: string };

/** What a query or a read gave: not yet believed (document.ts). */
export type Fields = Readonly<Record<string, unknown>>;

export interface Found {
  readonly fields: Fields;
  readonly etag: string;
}

export type Operation =
  | { readonly kind: 'create' | 'upsert'; readonly document: Document }
  | { readonly kind: 'replace'; readonly document: Document; readonly etag: string }
  | { readonly kind: 'delete'; readonly id: string; readonly etag?: string };

export interface Query {
  readonly text: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Documents that one answer may bring. */
  readonly page: number;
}

/** A batch takes no more than this. */
export const batchOperationsMax = 100;
/** Of documents in a batch, as JSON, with room for the rest of the request: the service takes 2 MB. */
export const batchBytesMax = 1_500_000;

/** What an operation of a batch may meet: gone, taken, changed; and that it was undone because of another. */
const expectedStatuses: ReadonlySet<number> = new Set([404, 409, 412, 424]);

/** Waits before a read is asked again that its replica could not answer: some 300 ms in all. */
const catchUpMs = [5, 20, 40, 80, 160] as const;

function toInput(operation: Operation): OperationInput {
  switch (operation.kind) {
    case 'create':
      return { operationType: 'Create', resourceBody: operation.document };
    case 'upsert':
      return { operationType: 'Upsert', resourceBody: operation.document };
    case 'replace': {
      const { document, etag } = operation;
      return { operationType: 'Replace', id: document.id, ifMatch: etag, resourceBody: document };
    }
    case 'delete': {
      const { id, etag } = operation;
      return { operationType: 'Delete', id, ...(etag === undefined ? {} : { ifMatch: etag }) };
    }
  }
}

export class Table {
  readonly #container: Container;
  readonly #name: ContainerName;
  readonly #sessions: Sessions;
  readonly #deadlineMs: number;

  /** `deadlineMs`: what a request may take with all that the SDK does to have it answered. */
  constructor(container: Container, name: ContainerName, sessions: Sessions, deadlineMs: number) {
    this.#container = container;
    this.#name = name;
    this.#sessions = sessions;
    this.#deadlineMs = deadlineMs;
  }

  /** The SDK asks ten times, a second apart, when a connection breaks in a read: the deadline ends that. */
  #options(): { abortSignal: AbortSignal; sessionToken?: string } {
    const abortSignal = AbortSignal.timeout(this.#deadlineMs);
    const sessionToken = this.#sessions.tokenFor(this.#name);
    return sessionToken === undefined ? { abortSignal } : { abortSignal, sessionToken };
  }

  /** Undefined when the SDK threw one of these statuses; otherwise what it gave, or a coded error. */
  async #call<Answer extends object>(
    expected: readonly number[],
    work: () => Promise<Answer>,
  ): Promise<Answer | number> {
    try {
      const answer = await work();
      // Pages of a query have headers too, which their type does not tell.
      this.#sessions.learn(this.#name, 'headers' in answer ? (answer.headers as Fields) : undefined);
      return answer;
    } catch (error) {
      const { code, substatus, headers } = sdkErrorOf(error);
      this.#sessions.learn(this.#name, headers);
      const isExpected = typeof code === 'number' && expected.includes(code);
      if (isExpected && substatus !== sessionNotAvailable && substatus !== 1003) return code;
      throw Object.assign(toStoreError(error), { sessionLags: code === 404 && substatus === sessionNotAvailable });
    }
  }

  /** Asks again while the replica lags behind the session. */
  async #read<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    for (const ms of catchUpMs) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof TidemarkError) || !('sessionLags' in error) || error.sessionLags !== true) throw error;
        await wait(ms);
      }
    }
    return work();
  }

  /** A point read: 1 RU for a small document. */
  read(pk: string, id: string): Promise<Found | undefined> {
    return this.#read(async () => {
      const answer = await this.#call<ItemResponse<JSONObject>>([], async () => {
        const response = await this.#container.item(id, pk).read<JSONObject>(this.#options());
        // The SDK answers a 404 instead of throwing it, this one too.
        if (response.substatus === sessionNotAvailable || response.substatus === 1003) {
          const { substatus, headers } = response;
          throw Object.assign(new Error('not available'), { code: 404, substatus, headers });
        }
        return response;
      });
      if (typeof answer === 'number' || answer.resource === undefined) return undefined;
      return { fields: answer.resource, etag: answer.etag };
    });
  }

  async create(document: Document): Promise<'created' | 'exists'> {
    return (await this.add(document)) === undefined ? 'exists' : 'created';
  }

  /** The ETag of what was created; undefined when the id is taken. */
  async add(document: Document): Promise<string | undefined> {
    const answer = await this.#call([409], () => this.#container.items.create(document, this.#options()));
    return typeof answer === 'number' ? undefined : answer.etag;
  }

  async upsert(document: Document): Promise<void> {
    await this.#call([], () => this.#container.items.upsert(document as JSONObject, this.#options()));
  }

  /** 'changed' when the document is gone or has another ETag. */
  async replace(document: Document, etag: string): Promise<'replaced' | 'changed'> {
    return (await this.swap(document, etag)) === undefined ? 'changed' : 'replaced';
  }

  /** The ETag of what stands there now; undefined when the document is gone or has another ETag. */
  async swap(document: Document, etag: string): Promise<string | undefined> {
    const accessCondition = { type: 'IfMatch', condition: etag };
    const item = this.#container.item(document.id, document.pk);
    const work = () => item.replace(document as JSONObject, { ...this.#options(), accessCondition });
    const answer = await this.#call([404, 412], work);
    return typeof answer === 'number' ? undefined : answer.etag;
  }

  async remove(pk: string, id: string): Promise<'removed' | 'missing'> {
    const work = () => this.#container.item(id, pk).delete(this.#options());
    return typeof (await this.#call([404], work)) === 'number' ? 'missing' : 'removed';
  }

  /** 'changed' when the document is gone or has another ETag. */
  async removeIfMatch(pk: string, id: string, etag: string): Promise<'removed' | 'changed'> {
    const accessCondition = { type: 'IfMatch', condition: etag };
    const work = () => this.#container.item(id, pk).delete({ ...this.#options(), accessCondition });
    return typeof (await this.#call([404, 412], work)) === 'number' ? 'changed' : 'removed';
  }

  /**
   * All of them or none. The statuses by place: below 300 all, or a 404, 409 or 412 that says why and 424 for the rest. Anything else
   * is thrown.
   */
  async batch(pk: string, operations: readonly Operation[]): Promise<readonly number[]> {
    const options = { ...this.#options(), contentResponseOnWriteEnabled: false };
    const answer = await this.#call([], () => this.#container.items.batch(operations.map(toInput), pk, options));
    const results = typeof answer === 'number' ? undefined : answer.result;
    if (results?.length !== operations.length) {
      throw new TidemarkError('internal', 'the metadata store answered another number of operations than it was asked');
    }
    const statuses = results.map((result) => result.statusCode);
    // Throttling, a full partition and the like in the middle of a batch undo all of it and are told like this.
    const surprise = statuses.find((status) => status >= 300 && !expectedStatuses.has(status));
    if (surprise !== undefined) throw toStoreError({ code: surprise });
    return statuses;
  }

  /** Pages of what a query finds in one partition; `pk` undefined: in all, for which only filters are possible. */
  async *pages(pk: string | undefined, query: Query): AsyncGenerator<readonly unknown[]> {
    let continuationToken: string | undefined;
    do {
      const page = await this.#read(() => this.#page(pk, query, continuationToken));
      continuationToken = page.continuationToken;
      yield page.resources;
    } while (continuationToken !== undefined);
  }

  async #page(pk: string | undefined, query: Query, continuationToken: string | undefined) {
    const { text, parameters, page } = query;
    const spec = { query: text, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) };
    const answer = await this.#call<FeedResponse<unknown>>([], () =>
      this.#container.items
        .query<unknown>(spec, {
          ...this.#options(),
          ...(pk === undefined ? {} : { partitionKey: pk }),
          ...(continuationToken === undefined ? {} : { continuationToken }),
          maxItemCount: page,
        })
        .fetchNext(),
    );
    if (typeof answer === 'number') throw new TidemarkError('internal', 'a query answers pages');
    const { resources, continuationToken: next } = answer;
    return { resources, continuationToken: next };
  }

  /** All that a query finds in one partition. */
  async all(pk: string, query: Query): Promise<readonly unknown[]> {
    const all: unknown[] = [];
    for await (const page of this.pages(pk, query)) all.push(...page);
    return all;
  }
}
