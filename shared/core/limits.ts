/**
 * Every bound of the system, once, each with its reason. Units come last in the name. Decoders check these before they
 * allocate; servers check them before they work.
 */
const KiB = 1024;
const MiB = 1024 * KiB;

export const limits = {
  /** No chunk exceeds this at any profile, so one window of the chunker bounds memory. */
  chunkBytesMax: 4 * MiB,
  /** Plain bytes of one compressed run of chunks: large enough to compress well, small enough to fetch for one chunk. */
  frameBytesMax: 256 * KiB,
  /** Stored bytes of the frames of one pack: one Put Blob, retried whole on failure. */
  packBytesMax: 16 * MiB,
  /** The footer stays under 8,192 * ~40 bytes and verification state stays small. */
  packChunksMax: 8_192,
  /** Plain bytes of one pack, as many as an upload window: bounds the work of verifying it, so a bomb is refused by its footer. */
  packPlainBytesMax: 64 * MiB,
  /** The footer of a full pack, with room: what a reader may have to load besides frames. */
  packFooterBytesMax: 512 * KiB,
  /** A segment of a manifest ends here even when no hash ended it. */
  segmentChunksMax: 4_096,
  /** Chunks of one file: 2 TiB at the largest average of 2 MiB, and 32 MiB of hashes in memory. */
  manifestChunksMax: 1_048_576,
  /** A file's size in bytes: 4 TiB is what a manifest can list in chunks of 4 MiB. */
  fileBytesMax: 4 * MiB * 1_048_576,
  /** One encoded segment: 4,096 chunks of a 32-byte hash and a 3-byte length, with room. */
  segmentBytesMax: 256 * KiB,
  /** One encoded manifest's segment list, at one segment per 1 chunk in the worst case of adversarial hashes. */
  manifestBytesMax: 48 * MiB,
  /** One upload negotiation: a 64 MiB window at 4 KiB chunks. */
  sessionChunksMax: 16_384,
  /** What the client may hold of file content between cutting and uploading, and all chunks of one upload session: a handful of packs. */
  uploadWindowBytes: 64 * MiB,
  /** Sessions whose packs one commit may rely on. */
  commitSessionsMax: 1_024,
  /** Operations of one commit: the whole answer is computed in memory and must come well within a request's time. */
  commitOperationsMax: 10_000,
  /** Stale operations that one refusal tells of, and their bytes as text: a problem stays below what clients read of one, 1 MiB. */
  staleOperationsMax: 1_000,
  staleBytesMax: 512 * KiB,
  /** Chunks of all manifests that one commit brings: two of the largest files, 64 MiB of hashes in memory. */
  commitChunksMax: 2 * 1_048_576,
  /** Packs that one commit verifies itself, when their events are late: 2 GiB, some seconds of hashing. */
  commitPacksVerifiedMax: 128,
  /** Commits of one workspace that wait in one process; each holds its request in memory. */
  commitsWaitingMax: 256,
  /** Edits of one commit that a row of metadata holds; larger ones are a blob. */
  journalEditsInlineBytes: 256 * KiB,
  /** One answer to a read of manifests, in bytes; a single larger manifest still goes out alone. */
  manifestPageBytes: 8 * MiB,
  /** One request body, after decompression. Packs do not pass through the API. */
  requestBytesMax: 32 * MiB,
  /** One URL: a path of the full length, every byte percent-encoded, with room. */
  urlBytesMax: 16 * KiB,
  /** A store's session token, which travels in a header. */
  sessionTokenBytesMax: 8 * KiB,
  /** One page of journal entries, in encoded bytes; a single larger entry still goes out alone. */
  changesPageBytes: 4 * MiB,
  changesPageEntriesMax: 1_000,
  treePageEntriesMax: 1_000,
  /** One name, in UTF-8 bytes: what common file systems take. */
  nameBytesMax: 255,
  /** One path from the workspace's root, in UTF-8 bytes: Linux's PATH_MAX. */
  pathBytesMax: 4_096,
  /** Folders above a node. Ancestor walks and recursive work stop here. */
  treeDepthMax: 1_024,
  /** A symlink's target, in UTF-8 bytes. */
  linkBytesMax: 4_096,
  /** Devices in one version vector: a workspace's writers over its life. */
  versionVectorEntriesMax: 1_024,
  /** One key or value of the Merkle map: an entry with a full version vector fits. */
  mapKeyBytesMax: 512,
  mapValueBytesMax: 64 * KiB,
  /** Items in one node of the Merkle map; 32 are expected, and hashing makes more than 1,024 practically impossible. */
  mapNodeItemsMax: 4_096,
  /** Levels of the Merkle map: 32^12 items. */
  mapLevelsMax: 12,
  /** Depth of any msgpack message. */
  wireDepthMax: 16,
  /** Values in any msgpack message: 10,000 operations with a hundred devices in each version; 32 MiB of arrays in memory. */
  wireValuesMax: 4_194_304,
  /** Bodies below this are not worth compressing. */
  compressBytesMin: 1 * KiB,
  workspaceNameBytesMax: 200,
  deviceNameBytesMax: 100,
  /** Members of one workspace: its record stays one row. */
  workspaceMembersMax: 1_000,
  /** Workspaces of one user that one answer tells of: anybody may take a user into theirs, so there can be more. */
  workspacesListedMax: 10_000,
  /** Sum of the sizes of a tree's files, where its quota says no less: the largest that every peer adds up exactly, 8 PiB. */
  workspaceBytesMax: Number.MAX_SAFE_INTEGER,
  /** How long a deleted workspace can be brought back. */
  deletedWorkspaceSeconds: 30 * 24 * 3_600,
  /** One page of a node's versions. */
  versionsPageMax: 500,
  /** Commits that one request for versions projects before it answers busy, fewer where they are large; the timer goes on. */
  versionsProjectedMax: 2_000,
  /** Nodes that differ from the point that is restored: some hundred megabytes of plan. */
  restoreNodesMax: 500_000,
  /** Map nodes that one exchange of tree nodes asks for: some megabytes of answer. */
  treeSyncNodesMax: 4_096,
  /** One answer of tree nodes, in bytes; what does not fit is asked for again. */
  treeSyncBytes: 8 * MiB,
  /** A file whose SHA-256 one request computes: some seconds of reading. */
  contentVerifyBytesMax: 256 * MiB,
  /** Plain bytes of the frames that one such request decodes: a file can want one byte of each. A short read counts as `contentReadBytesMin`. */
  contentFramesBytesMax: 1024 * MiB,
  contentReadBytesMin: 64 * KiB,
  /** Chunks that one inclusion proof covers. */
  proofChunksMax: 16_384,
  /** One staged block; the last of a blob may be shorter than the least. */
  stagedBlockBytesMax: 4 * MiB,
  stagedBlockBytesMin: 1 * MiB,
  /** Signed URLs live this long. */
  uploadUrlSeconds: 600,
  downloadUrlSeconds: 600,
  /** How long an upload session is remembered: an interrupted sync of a day resumes without asking anew. */
  sessionSeconds: 24 * 3_600,
  /** How long a commit's answer is kept for replays; later ones are safe because bases are checked. */
  requestRecordSeconds: 7 * 24 * 3_600,
  /** Keys that sign heads, over a service's life: one a month for twenty years, and a key set of some tens of KB. */
  signingKeysMax: 256,
  /** New keys that a client takes at once, each endorsed by the one before; one that missed more is linked anew. */
  signingKeyChainMax: 16,
  /** Compare-and-set attempts of one change of a workspace's record. */
  workspaceAttemptsMax: 8,
  /** Compare-and-set attempts of one commit before it answers busy. */
  commitAttemptsMax: 8,
  /** Linked folders that one realtime connection serves; a device with more polls for the rest. The URL stays below 6 KiB. */
  realtimeSeatsMax: 32,
  /** A realtime URL opens a connection for this long. */
  realtimeUrlSeconds: 300,
  /** A commit's answer waits for its announcement this long at most. */
  announceWaitMs: 50,
  /**
   * Announcements of one workspace (of one device or session for other kinds) begin at least so far apart: those between give way to the newest,
   * which is always sent. Listeners only look, nobody sees a tenth of a second, and a burst of commits need not pay for each of its listeners.
   */
  announcePaceMs: 100,
  /** Announcements that wait, the newest of each workspace (of each device or session for other kinds): past it the oldest go. */
  announcementsPendingMax: 1_000,
  /** Announcements that are being sent at once. */
  announcementsSentAtOnceMax: 32,
  /** A connected device says that it is there this often … */
  presenceHeartbeatSeconds: 60,
  /** … and counts as offline when it has not been heard of for two of them, with room. */
  presenceLiveSeconds: 150,
  /** How long it is told when an offline device was last there. */
  presenceKeptSeconds: 30 * 24 * 3_600,
  /** Devices of one answer about presence. */
  presenceListedMax: 1_000,
} as const;
