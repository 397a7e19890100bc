import { maskedCredentials, withoutCredentials } from '../base/credential-text.ts';

const mask = '[redacted]';

/** Shorter secrets would mask ordinary words, and would protect nothing anyway. */
const shortestSecret = 6;

/**
 * Removes secrets from log text: what looks like one, and what was registered. This is the second line of defence; the
 * first is that nothing logs headers, bodies or query strings.
 */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Masks this secret from now on, plain and URL-encoded. */
  protect(secret: string): void {
    if (secret.length < shortestSecret) return;
    this.#secrets.add(secret);
    this.#secrets.add(encodeURIComponent(secret));
  }

  redact(text: string): string {
    // Paths come as they were sent, percent-encoded.
    let clean = text.includes('%') ? withoutCredentials(text, mask) : text;
    clean = maskedCredentials(clean, mask);
    for (const secret of this.#secrets) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, mask);
    }
    return clean;
  }
}
