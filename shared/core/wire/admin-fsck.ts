/**
 * POST /operator/fsck: one step of the check of a workspace's storage, for operators. It changes nothing. Steps are asked for until the
 * cursor is null; findings of one kind and subject are one, though two steps may tell it.
 */
import { type ValueOf, flag, integer, list, message, oneOf, optional, text, workspaceId } from './schema.ts';

/** `cursor`: null first, then that of the answer before. `deep`: every byte of every pack is read. `history`: older roots too. */
export const fsckRequest = message('FsckRequest', {
  workspaceId,
  cursor: optional(text(2_048)),
  deep: flag,
  history: flag,
});

/**
 * - `missing-node`, `missing-manifest`, `missing-chunk`: not there, or not what the name says. `missing-blob`: a verified pack's.
 * - `bad-blob`: not what was verified. `orphan-blob`: not verified by anybody; no damage.
 * - `journal-broken`, `tally-wrong`, `index-wrong`: they do not say what is.
 */
export const findingKind = oneOf(
  'missing-node',
  'missing-manifest',
  'missing-chunk',
  'missing-blob',
  'bad-blob',
  'orphan-blob',
  'journal-broken',
  'tally-wrong',
  'index-wrong',
);

/** `subject`: the hash, seq or blob name that it is about. */
export const fsckFinding = message('FsckFinding', { kind: findingKind, subject: text(1_024), detail: text(2_048) });

/** `entries`, `files`, `packs`: what this step has checked of the journal, the head's tree and storage. */
export const fsckResponse = message('FsckResponse', {
  findings: list(fsckFinding, 100_000),
  cursor: optional(text(2_048)),
  entries: integer(),
  files: integer(),
  packs: integer(),
});
export type FsckResponse = ValueOf<typeof fsckResponse>;
