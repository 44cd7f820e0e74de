/**
 * The control folder `.tidemark` holds the agent's journal and temporary files inside the synced root. It is never
 * addressable by a synced name, under any alias that a file system would take for it (CVE-2021-37701 and git's `.Git`):
 * case, Unicode form, ignorable characters, trailing dots and spaces, NTFS streams (`.tidemark::$INDEX_ALLOCATION`),
 * what lies behind a backslash, and the 8.3 names that Windows makes up (`TIDEMA~1`, and after four of those `TI1A2B~1`).
 *
 * The name is refused in every folder, not only in the root: a synced tree may hold another synced root.
 */
import { aliasKey } from './alias-key.ts';

export const controlFolder = '.tidemark';

/** `TIDEMA~1`, `TIDEM~10`: a beginning of the long name's first six letters, `~` and a number. */
const shortName = /^t(?:i(?:d(?:e(?:ma?)?)?)?)?~\d{1,6}$/;
/** After four equal ones: two letters, four digits of a checksum that Microsoft has not documented, `~` and a number. */
const hashedShortName = /^ti[0-9a-f]{4}~\d$/;

/** Whether a file system could take this name for the control folder. */
export function isControlFolderAlias(name: string): boolean {
  const firstPart = name.split(/[:\\]/, 1)[0] ?? '';
  const key = aliasKey(aliasKey(firstPart).normalize('NFKC'));
  return key === controlFolder || shortName.test(key) || hashedShortName.test(key);
}
