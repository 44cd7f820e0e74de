/**
 * One key for all names that some file system would take for the same: case-blind ones (NTFS, APFS, HFS+, ext4 casefold),
 * those that fold Unicode forms (APFS, HFS+, casefold), that drop ignorable characters (HFS+, APFS, casefold), and
 * Windows, which drops trailing dots and spaces. Two names with different keys never collide on any of them.
 *
 * Case is folded in full, by Unicode's definition of a canonical caseless match (D145): NFD, fold, NFD. JavaScript has
 * no case folding, but lower(upper(lower(c))) of a single code point is it, but for the dotless ı, which folds to itself.
 *
 *     aliasKey('Straße.TXT. ') = aliasKey('STRASSE.txt') = 'strasse.txt'
 *
 * Compatibility forms (①, full-width letters) stay apart, unless case folding itself joins them (ﬁ and fi): no file system
 * joins them, and doing it here would keep files off a device for nothing.
 */
const printableAscii = /^[\x20-\x7e]*$/;
const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
const trailingDotsAndSpaces = /[. ]+$/;
const dotlessI = 'ı';

function foldCase(text: string): string {
  let folded = '';
  // One code point at a time: over whole texts, toLowerCase writes a final sigma as another letter.
  for (const c of text) folded += c === dotlessI ? c : lowerAll(c.toLowerCase().toUpperCase());
  return folded;
}

function lowerAll(text: string): string {
  let lower = '';
  for (const c of text) lower += c.toLowerCase();
  return lower;
}

/** The key by which a name is compared with its neighbours in one folder. Idempotent. Any text is taken, `''` too. */
export function aliasKey(name: string): string {
  if (printableAscii.test(name)) return name.toLowerCase().replace(trailingDotsAndSpaces, '');
  const folded = foldCase(name.replace(ignorable, '').normalize('NFD')).normalize('NFD');
  return folded.replace(ignorable, '').replace(trailingDotsAndSpaces, '');
}
