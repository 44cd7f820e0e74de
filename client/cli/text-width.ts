/**
 * How many columns of a terminal a text takes: letters of East Asian scripts and emoji take two, what joins the letter before it takes none, and
 * neither do the sequences that set colours. Terminals differ over rare characters; a table is then off by a column.
 */
import { stripVTControlCharacters } from 'node:util';

const wide =
  /^(?:[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|.\ufe0f)/u;
const oneColumnEach = /^[ -~]*$/;

export function textWidth(text: string): number {
  const shown = stripVTControlCharacters(text);
  if (oneColumnEach.test(shown)) return shown.length;
  let columns = 0;
  for (const { segment } of new Intl.Segmenter().segment(shown)) columns += wide.test(segment) ? 2 : 1;
  return columns;
}
