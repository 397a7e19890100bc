const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/**
 * What terminals show two columns wide: East Asian Wide and Fullwidth (Unicode Annex 11), approximated by script, and
 * emoji.
 */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u;
const ascii = /^[\x20-\x7e]*$/;
const noWidth = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

/** How many terminal columns a text takes. */
export function widthOf(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

/** A text in at most `most` columns; `…` replaces what does not fit. */
export function shortened(text: string, most: number): string {
  if (widthOf(text) <= most) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOfGrapheme(segment);
    if (width > most) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A text padded with spaces to a width. */
export function padded(text: string, width: number, right = false): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}

/** Lines of words, none wider than `most` unless a single word is. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > most) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

function widthOfGrapheme(grapheme: string): number {
  if (noWidth.test(grapheme)) return 0;
  // Combining marks take no column, but one grapheme may hold several characters that each take one.
  return wide.test(grapheme)
    ? 2
    : Array.from(grapheme).filter((character) => !noWidth.test(character)).length;
}
