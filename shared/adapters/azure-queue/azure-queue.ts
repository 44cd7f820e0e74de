/**
 * Queues in Azure Queue Storage, through the official SDK; in Azurite just the same. Bodies are base64 on the wire, as the queue
 * triggers of Azure Functions expect by default (host.json: queues.messageEncoding).
 */
import { type QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { type Queue, type QueueMessage, type QueueName, queueNames } from '../../ports/queue.ts';
import { type StorageAccess, credentialOf, pipelineOf } from '../azure-storage/storage-access.ts';
import { guarded, isStorageCode } from '../azure-storage/storage-error.ts';
import { checkQueueBody, checkQueueMax } from '../queue-bounds.ts';

export interface AzureQueueOptions {
  readonly access: StorageAccess;
  /** Makes the queues at the first call, for an emulator; in Azure they come with the account. */
  readonly createQueues: boolean;
}

/** Without it Azure forgets a message after seven days. */
const neverExpires = -1;

const lostCodes = ['MessageNotFound', 'PopReceiptMismatch', 'InvalidQueryParameterValue'] as const;

interface SdkMessage {
  readonly messageId: string;
  readonly messageText: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
}

function toMessage(found: SdkMessage, receipt: string): QueueMessage {
  return {
    id: found.messageId,
    receipt,
    body: Buffer.from(found.messageText, 'base64').toString('utf8'),
    dequeueCount: found.dequeueCount,
    insertedMs: found.insertedOn.getTime(),
  };
}

class AzureQueue implements Queue {
  readonly #service: QueueServiceClient;
  readonly #createQueues: boolean;
  #ready: Promise<void> | undefined;

  constructor({ access, createQueues }: AzureQueueOptions) {
    this.#service = new QueueServiceClient(access.url, credentialOf(access), pipelineOf(access));
    this.#createQueues = createQueues;
  }

  async #makeQueues(): Promise<void> {
    if (!this.#createQueues) return;
    await Promise.all(queueNames.map((name) => this.#service.getQueueClient(name).createIfNotExists()));
  }

  async #queue(name: QueueName): Promise<QueueClient> {
    this.#ready ??= this.#makeQueues().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    await this.#ready;
    return this.#service.getQueueClient(name);
  }

  async send(queue: QueueName, body: string): Promise<void> {
    checkQueueBody(body);
    await guarded(async () => {
      const client = await this.#queue(queue);
      await client.sendMessage(Buffer.from(body, 'utf8').toString('base64'), { messageTimeToLive: neverExpires });
    });
  }

  async receive(queue: QueueName, max: number, hiddenSeconds: number): Promise<readonly QueueMessage[]> {
    checkQueueMax(max);
    return guarded(async () => {
      const client = await this.#queue(queue);
      const options = { numberOfMessages: max, visibilityTimeout: hiddenSeconds };
      const { receivedMessageItems } = await client.receiveMessages(options);
      return receivedMessageItems.map((item) => toMessage(item, item.popReceipt));
    });
  }

  async remove(queue: QueueName, message: QueueMessage): Promise<'removed' | 'lost'> {
    if (message.receipt === '') return 'lost';
    return guarded(async () => {
      const client = await this.#queue(queue);
      try {
        await client.deleteMessage(message.id, message.receipt);
        return 'removed';
      } catch (error) {
        if (isStorageCode(error, ...lostCodes)) return 'lost';
        throw error;
      }
    });
  }

  async peek(queue: QueueName, max: number): Promise<readonly QueueMessage[]> {
    checkQueueMax(max);
    return guarded(async () => {
      const client = await this.#queue(queue);
      const { peekedMessageItems } = await client.peekMessages({ numberOfMessages: max });
      return peekedMessageItems.map((item) => toMessage(item, ''));
    });
  }
}

/**
 * Queues of an account. Nothing is asked of it before the first call.
 * @throws TidemarkError `forbidden` for an account key outside this machine.
 */
export function createAzureQueue(options: AzureQueueOptions): Queue {
  return new AzureQueue(options);
}
