/** A guess of how many random bits are enough; a random key of 32 hexadecimal digits has 128. */
const enoughBits = 64;
/** As far as a key is looked at. */
const maxLength = 256;
/** Neighbours on these lines follow from each other, in either direction. */
const sequences = 'abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm';
/** A sequence may have others between its characters: `a1b2c3`. */
const maxLag = 3;
const shortestRepeat = 3;
const placeholder =
  /(?:change|replace)[-_.]?(?:me|it|this)|placeholder|passw(?:or)?d|your[-_.]?(?:admin[-_.]?)?key/i;

/**
 * Whether a key could be guessed: it repeats itself, runs through a sequence, has few different characters, or says that
 * it must be changed. An estimate, made so that it never refuses 32 random hexadecimal digits, a UUID, or more. Pure.
 */
export function isGuessable(key: string): boolean {
  if (placeholder.test(key)) return true;
  const text = key.slice(0, maxLength).toLowerCase();
  return unforeseen(text) * Math.log2(new Set(text).size) < enoughBits;
}

/** How many characters of a text do not follow from those before them. */
function unforeseen(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length;) {
    const repeated = repeatAt(text, at);
    if (repeated < shortestRepeat && !goesOn(text, at)) count += 1;
    at += repeated < shortestRepeat ? 1 : repeated;
  }
  return count;
}

/** How long the text that begins here has stood before. */
function repeatAt(text: string, at: number): number {
  let length = 0;
  while (at + length < text.length && text.indexOf(text.slice(at, at + length + 1)) < at) length += 1;
  return length;
}

/** Whether the character here continues a sequence that the two before it are of. */
function goesOn(text: string, at: number): boolean {
  for (let lag = 1; lag <= maxLag; lag += 1) {
    const step = stepTo(text, at, lag);
    if (step !== null && step === stepTo(text, at - lag, lag)) return true;
  }
  return false;
}

function stepTo(text: string, at: number, lag: number): number | null {
  const [before, here] = [text.charAt(at - lag), text.charAt(at)];
  if (before === '' || here === '') return null;
  if (before === here) return 0;
  if (sequences.includes(before + here)) return 1;
  return sequences.includes(here + before) ? -1 : null;
}
