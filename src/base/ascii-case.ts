/**
 * A text with A to Z in lower case, and every other character as it is. `toLowerCase` folds more: U+212A, the Kelvin
 * sign, becomes a `k`, so that one person's address would equal another's.
 */
export function asciiLowerCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
