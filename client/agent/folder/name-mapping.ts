/**
 * Names that Windows cannot hold, written so that it can: an option of a linked folder (`names: mapped`). A workspace holds
 * `CON`, `a:b` or `notes.` like any other name; on such a disk they lie under an escaped one, and come back as they were.
 *
 * The escape character is U+2031 (per ten thousand), which hardly any name has and every file system takes as it is: it has
 * no case and no decomposition.
 *
 *     < > : " | ? * \ and U+0001 to U+001F   each as the escape and two hexadecimal digits    a:b     ‱ 3A between a and b
 *     a dot or a space at the end             the same                                        notes.  notes‱2E
 *     a device name (CON, nul.txt, COM1)      its first character the same                    CON     ‱43ON
 *     the escape character itself             twice                                           5‱      5‱‱
 *     any other name                          as it is
 *
 * Escaping is injective, and unescaping undoes it: a name on the disk that is the escape of no name (a lone escape character, one
 * before a letter that needs none) belongs to no node; it is listed as a problem. An escaped name is longer than the name; one
 * that the disk finds too long stays on the server.
 */
import { checkName, isWindowsReserved } from '../../../shared/core/paths/name.ts';

const escape = '\u2031';
// Windows refuses control characters in names, so they are looked for on purpose.
// oxlint-disable-next-line no-control-regex
const toEscape = /[<>:"|?*\\\u0001-\u001f]/g;
const escaped = /\u2031(?:\u2031|[0-9A-F]{2})/g;

function escapeCharacter(character: string): string {
  return `${escape}${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The name on the disk of a node of this name. */
export function nameToDisk(name: string): string {
  if (!name.includes(escape) && !isWindowsReserved(name)) return name;
  const plain = name.replaceAll(escape, escape + escape).replace(toEscape, escapeCharacter);
  const ended = plain.replace(/[. ]$/, escapeCharacter);
  // What is still reserved is a device name.
  return isWindowsReserved(ended) ? escapeCharacter(ended) + ended.slice(1) : ended;
}

/** The name of the node that lies under this name on the disk; undefined when none can. */
export function diskToName(onDisk: string): string | undefined {
  if (!onDisk.includes(escape)) return isWindowsReserved(onDisk) ? undefined : onDisk;
  const name = onDisk.replace(escaped, (run) =>
    run === escape + escape ? escape : String.fromCharCode(Number.parseInt(run.slice(1), 16)),
  );
  // A name that leaves its folder, or is the control folder's, is none, however it is written.
  return checkName(name) === 'ok' && nameToDisk(name) === onDisk ? name : undefined;
}
