const mask = '[redacted]';

/** Our tokens, Heroku's inference keys, and whatever is called a bearer credential. */
const lookalikes = /tg[ksa]_[0-9A-Za-z]+|inf-[0-9a-f]{8}-[0-9a-f-]+|\bbearer\s+[^\s"',;]+/gi;

/** Shorter ones would mask ordinary words; a password that short protects nothing either. */
const shortestSecret = 6;

/**
 * Takes secrets out of text bound for a log: what looks like one, and what was registered. It is the second
 * line of defence; the first is that nothing logs headers, bodies or query strings.
 */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Masks this secret from now on, as it is and as it stands in a URL. */
  protect(secret: string): void {
    if (secret.length < shortestSecret) return;
    this.#secrets.add(secret);
    this.#secrets.add(encodeURIComponent(secret));
  }

  redact(text: string): string {
    let clean = text.replace(lookalikes, mask);
    for (const secret of this.#secrets) {
      if (clean.includes(secret)) clean = clean.replaceAll(secret, mask);
    }
    return clean;
  }
}
