/** Container definitions: what of them the emulator understands. Anything else in one is refused. */
import { Refusal, unknown } from './refusal.ts';

export interface Definition {
  readonly id: string;
  readonly partitionKey: { readonly paths: readonly string[]; readonly kind?: string; readonly version?: number };
  /** Seconds; -1: documents live for ever unless they say otherwise; absent: their `ttl` means nothing. */
  readonly defaultTtl?: number;
  readonly indexingPolicy?: {
    readonly indexingMode?: string;
    readonly automatic?: boolean;
    readonly includedPaths?: readonly { readonly path: string }[];
    readonly excludedPaths?: readonly { readonly path: string }[];
  };
}

const known = new Set(['id', 'partitionKey', 'defaultTtl', 'indexingPolicy']);

/** Throws a 400 on what it does not know. One partition key path, kind Hash. */
export function parseDefinition(body: unknown): Definition {
  const definition = body as Definition;
  for (const name of Object.keys(definition)) if (!known.has(name)) throw unknown(`${name} in a container`);
  const { id, partitionKey, defaultTtl, indexingPolicy } = definition;
  if (typeof id !== 'string' || !/^[\w-]{1,255}$/.test(id)) throw new Refusal(400, 'a container has an id');
  const { paths, kind = 'Hash' } = partitionKey ?? {};
  if (paths?.length !== 1 || kind !== 'Hash') throw unknown('a partition key that is not one path, hashed');
  if (!/^\/\w+$/.test(paths[0]!)) throw unknown(`the partition key path ${paths[0]}`);
  if (defaultTtl !== undefined && defaultTtl !== -1 && !(Number.isInteger(defaultTtl) && defaultTtl > 0)) {
    throw new Refusal(400, 'defaultTtl is -1 or a number of seconds');
  }
  if ((indexingPolicy?.indexingMode ?? 'consistent') !== 'consistent') throw unknown('this indexing mode');
  return definition;
}

/** The property that is the partition key. */
export function partitionKeyProperty(definition: Definition): string {
  return definition.partitionKey.paths[0]!.slice(1);
}

/** Whether a filter on this property needs no scan. `id` always is indexed, as the service has it. */
export function isIndexed(definition: Definition, property: string): boolean {
  if (property === 'id') return true;
  const { includedPaths = [{ path: '/*' }], excludedPaths = [] } = definition.indexingPolicy ?? {};
  const has = (paths: readonly { readonly path: string }[], path: string) => paths.some((one) => one.path === path);
  if (has(includedPaths, `/${property}/?`)) return true;
  return has(includedPaths, '/*') && !has(excludedPaths, '/*') && !has(excludedPaths, `/${property}/?`);
}

/** Properties indexed by name, which each write pays for. Everything (`/*`) counts as ten. */
export function indexedPaths({ indexingPolicy }: Definition): number {
  const paths = indexingPolicy?.includedPaths ?? [{ path: '/*' }];
  return paths.reduce((sum, { path }) => sum + (path === '/*' ? 10 : 1), 0);
}
