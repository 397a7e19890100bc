import { asciiLowerCase } from '../base/ascii-case.ts';
import type { VariableReader } from './variables.ts';

/** Browser origins, comma-separated, as browsers send them: lower case, no default port, no path. */
export function readAllowedOrigins(read: VariableReader): string[] {
  const entries = (read.text('ALLOWED_ORIGINS') ?? '').split(',').map((entry) => entry.trim());
  const origins = entries.map((entry, index) => {
    if (entry === '') return [];
    const origin = normaliseOrigin(entry);
    if (origin !== null) return [origin];
    // By its number, not its text: a pasted URL may carry credentials.
    read.expected(
      'ALLOWED_ORIGINS',
      `entry ${index + 1} to be an exact origin such as https://app.example.com: scheme://host[:port], no path, no trailing slash, no *`,
    );
    return [];
  });
  return [...new Set(origins.flat())];
}

/**
 * The origin as RFC 6454 serialises it, or null if the text is not one. For unknown schemes (browser extensions, say)
 * the WHATWG parser gives `null`, so those are only lower-cased.
 */
function normaliseOrigin(text: string): string | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\*]+$/i.test(text) || !URL.canParse(text)) return null;
  const { origin } = new URL(text);
  return origin === 'null' ? asciiLowerCase(text) : origin;
}
