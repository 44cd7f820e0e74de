/** Faults of ours, put in on purpose: a simulation that cannot fail proves nothing. */
import type { FileSystem } from '../../client/agent/file-system.ts';
import { fileErrorCode } from '../../client/agent/folder/file-problem.ts';
import type { Folder } from '../../client/agent/ports.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { bytesToRequestId, idToBytes } from '../../shared/core/ids.ts';
import type { Profile } from './profile.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';

export interface Planted {
  readonly folder?: (folder: Folder) => Folder;
  readonly fileSystem?: (fs: FileSystem) => FileSystem;
  readonly metadata?: (metadata: MetadataStore) => MetadataStore;
  /** The conditions under which it shows. */
  readonly profile?: Partial<Profile>;
}

/** An object with some of its methods replaced. */
function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      const own: unknown = Reflect.get(methods, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

/** A listing that failed counts as an empty one (syncthing#10487). */
function listingErrorsAreEmpty(fs: FileSystem): FileSystem {
  return withMethods(fs, {
    list: (folder) => {
      try {
        return fs.list(folder);
      } catch (error) {
        if (fileErrorCode(error) === undefined) throw error;
        return { names: [], unreadable: 0 };
      }
    },
  });
}

/** What could not be applied counts as done (abraunegg/onedrive#3015). */
function failuresAreDone(folder: Folder): Folder {
  return {
    ...folder,
    apply: async (actions, knowledge, signal) => {
      const results = await folder.apply(actions, knowledge, signal);
      return results.map((result) => (result.done ? result : { nodeId: result.nodeId, done: true, stat: null }));
    },
  };
}

/** The file is renamed into place before its bytes are on the disk (nextcloud/desktop#10547). */
function nothingIsFlushed(fs: FileSystem): FileSystem {
  return withMethods(fs, { flush: () => undefined });
}

/** Whatever the head is, it is taken for the expected one. */
function headIsNotCompared(metadata: MetadataStore): MetadataStore {
  const { journal } = metadata;
  return {
    ...metadata,
    journal: withMethods(journal, {
      append: async (workspaceId, commit) => {
        const head = (await journal.getHead(workspaceId)) ?? commit.expected;
        const next = { ...commit.next, seq: head.seq + 1 };
        return journal.append(workspaceId, {
          ...commit,
          expected: head,
          next,
          record: { ...commit.record, seq: next.seq },
        });
      },
    }),
  };
}

/** Every request is a new one. */
function requestsAreForgotten(metadata: MetadataStore): MetadataStore {
  const { journal } = metadata;
  let times = 0;
  return {
    ...metadata,
    journal: withMethods(journal, {
      getRequest: async () => undefined,
      append: (workspaceId, commit) => {
        const bytes = blake3(Uint8Array.of(...idToBytes(commit.request.requestId), times++ & 0xff, times >> 8));
        const requestId = bytesToRequestId(bytes.slice(0, 16));
        return journal.append(workspaceId, { ...commit, request: { ...commit.request, requestId } });
      },
    }),
  };
}

export const plantedBugs = {
  'listing-errors-are-empty': { fileSystem: listingErrorsAreEmpty, profile: { diskErrors: 0.05, kills: 0 } },
  'failures-are-done': { folder: failuresAreDone },
  'nothing-is-flushed': { fileSystem: nothingIsFlushed, profile: { kills: 0.005, powerCuts: true } },
  'head-is-not-compared': { metadata: headIsNotCompared, profile: { pauses: 0.3, agents: 3, clockSkewsMs: [0, 0, 0] } },
  'requests-are-forgotten': { metadata: requestsAreForgotten, profile: { network: 0.3, stores: 0.03 } },
} as const satisfies Readonly<Record<string, Planted>>;
export type PlantedBug = keyof typeof plantedBugs;
