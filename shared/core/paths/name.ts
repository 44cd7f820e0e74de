/**
 * Names of nodes. The server stores them as given: whatever some file system can hold, some user has. Refused is only what
 * no path can carry or what would leave the tree, so that a control character or a right-to-left override is
 * somebody's file like any other; how it is shown, and whether a device can hold it, is decided where that happens.
 */
import type { Brand } from '../brand.ts';
import { utf8 } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import { isControlFolderAlias } from './control-folder.ts';

/** A name that passed `checkName`. */
export type RelName = Brand<string, 'RelName'>;

export const nameFaults = {
  empty: 'it is empty',
  'ill-formed': 'it is not well-formed Unicode',
  'too-long': 'it is over 255 UTF-8 bytes',
  dots: 'it is . or ..',
  slash: 'it holds a /',
  nul: 'it holds a NUL',
  'control-folder': 'it is, or aliases, the control folder .tidemark',
} as const;
export type NameFault = keyof typeof nameFaults;

/** What is wrong with a name, or `ok`. */
export function checkName(name: string): 'ok' | NameFault {
  if (name.length === 0) return 'empty';
  if (name.length > limits.nameBytesMax) return 'too-long';
  if (!name.isWellFormed()) return 'ill-formed';
  if (utf8(name).length > limits.nameBytesMax) return 'too-long';
  if (name === '.' || name === '..') return 'dots';
  if (name.includes('/')) return 'slash';
  if (name.includes('\0')) return 'nul';
  return isControlFolderAlias(name) ? 'control-folder' : 'ok';
}

function isName(name: string): name is RelName {
  return checkName(name) === 'ok';
}

/** Throws `malformed`, with the fault in `data.reason`. */
export function parseName(name: string): RelName {
  if (isName(name)) return name;
  const reason = checkName(name);
  const why = reason === 'ok' ? '' : nameFaults[reason];
  throw new TidemarkError('malformed', `this cannot be a name: ${why}`, { data: { reason } });
}

const windowsDevice = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³])(?:[ ]*[.:].*)?[ ]*$/i;
// Windows refuses control characters in names, so they are looked for on purpose.
// oxlint-disable-next-line no-control-regex
const windowsForbidden = /[<>:"/\\|?*\u0000-\u001f]/;

/**
 * Whether Windows cannot hold a file of this very name: device names (`CON`, `nul.txt`, `COM¹`), forbidden and
 * control characters, a trailing dot or space (dropped silently, so the file would get another name).
 */
export function isWindowsReserved(name: string): boolean {
  return windowsDevice.test(name) || windowsForbidden.test(name) || /[. ]$/.test(name);
}
