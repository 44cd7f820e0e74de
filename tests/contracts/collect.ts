import type { BlobStore, Container } from '../../shared/ports/blob-store.ts';

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function listAll(store: BlobStore, container: Container, prefix: string): Promise<string[]> {
  return collect(store.list(container, prefix));
}
