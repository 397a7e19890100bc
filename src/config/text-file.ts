import { readFileSync, statSync } from 'node:fs';
import { utf8Text } from '../base/request.ts';

/**
 * The text of a file that a person wrote, or what is wrong with the file: the end of a sentence that begins with its
 * name.
 */
export type FileText = { text: string } | { problem: string };

/** Reads a file of at most `maxBytes`. A byte order mark is taken, and not part of the text: Windows' editors write one. */
export function readTextFile(file: string, maxBytes = Infinity): FileText {
  const size = maxBytes === Infinity ? '' : ` of at most ${maxBytes} bytes`;
  try {
    if (statSync(file).size <= maxBytes) return textOf(readFileSync(file));
  } catch {
    // Told below, without the path, which may have a secret in it.
  }
  return { problem: `expected the path of a readable file${size}` };
}

/** The text of a file's bytes. */
export function textOf(bytes: Uint8Array): FileText {
  if (isUtf16(bytes)) return { problem: 'must be UTF-8, but is UTF-16; save it as UTF-8' };
  const text = utf8Text(bytes);
  return text === null ? { problem: 'must be UTF-8' } : { text };
}

/** By its byte order mark, or by the NUL in its first character: PowerShell's `>` writes such files. */
export function isUtf16([first, second]: Uint8Array): boolean {
  return (
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (second !== undefined && (first === 0) !== (second === 0))
  );
}
