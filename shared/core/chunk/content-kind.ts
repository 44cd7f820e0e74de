/**
 * What a file is, by its first bytes. Wrong guesses cost some bytes moved, never correctness: the profile chosen is
 * recorded and every profile cuts every content.
 */
interface Magic {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

function magic(text: string, offset = 0): Magic {
  return { offset, bytes: Uint8Array.from(text, (character) => character.charCodeAt(0)) };
}

function hasMagic(head: Uint8Array, { offset, bytes }: Magic): boolean {
  return head.length >= offset + bytes.length && bytes.every((byte, i) => head[offset + i] === byte);
}

/** Files of fixed-size pages that are written in place: SQLite; disk images qcow2, VMDK, VHDX, VHD (dynamic), VDI. */
const pagedMagics: readonly Magic[] = [
  magic('SQLite format 3\0'),
  magic('QFI\xfb'),
  magic('KDMV'),
  magic('vhdxfile'),
  magic('conectix'),
  magic('\x7f\x10\xda\xbe', 64),
];

/** Whether the file is page-structured. Raw disk images are not recognised: nothing in their head says so reliably. */
export function looksPaged(head: Uint8Array): boolean {
  return pagedMagics.some((candidate) => hasMagic(head, candidate));
}

/** OLE compound files (doc, xls, ppt, msg) and PDF. */
const documentMagics: readonly Magic[] = [magic('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), magic('%PDF-')];

const zipEntry = magic('PK\x03\x04');
/** Where a zip's first entry keeps its name; names that Office Open XML, OpenDocument and EPUB files begin with. */
const zipNameOffset = 30;
const officeEntryNames = ['[Content_Types].xml', '_rels/', 'docProps/', 'word/', 'xl/', 'ppt/', 'mimetype'].map(
  (name) => magic(name, zipNameOffset),
);

const utf16Marks: readonly Magic[] = [magic('\xff\xfe'), magic('\xfe\xff')];

/** 1 for control characters that no text has: all but backspace, tab, line feed, form feed, carriage return, escape. */
const notText = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte < 32 && ![8, 9, 10, 12, 13, 27].includes(byte)) || byte === 127 ? 1 : 0,
);

/**
 * Text in any encoding that keeps ASCII's control characters to itself (UTF-8, Latin-1, Shift-JIS …): 4 KiB of
 * compressed or machine data without a single control character practically does not occur, so validity is not asked.
 */
function looksLikeText(head: Uint8Array): boolean {
  // A plain loop: `every` with a callback took half of a hashing worker's time on small files.
  for (let i = 0; i < head.length; i++) if (notText[head[i]!] !== 0) return false;
  return true;
}

/** Whether the file is text, source or an office document. An empty file is text. */
export function looksLikeDocument(head: Uint8Array): boolean {
  if (documentMagics.some((candidate) => hasMagic(head, candidate))) return true;
  if (hasMagic(head, zipEntry)) return officeEntryNames.some((candidate) => hasMagic(head, candidate));
  return utf16Marks.some((candidate) => hasMagic(head, candidate)) || looksLikeText(head);
}
