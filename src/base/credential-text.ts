/*
 * What looks like a token or a key, of this gateway or of another vendor. People paste them anywhere, so no name may
 * look like one, and no text that is shown has one in it.
 */

/** The first characters of a token, which are shown to tell tokens apart: `tgk_` and eight more. */
const shownLength = 12;

const forms = [
  'tg[ksa]_[0-9a-z]+',
  'inf-[0-9a-f]{8}-[0-9a-f-]+', // Heroku's inference keys
  String.raw`\b(?:inf|sk|pk|rk|hrku|glpat|xai|xox[a-z])[-_][\w-]{16,}`,
  String.raw`\b(?:gh[a-z]|github_pat|hf|gsk|npm)_\w{16,}`,
  String.raw`\bwhsec_[\w+/]{16,}={0,2}`, // what signs webhooks, in base64
  String.raw`\bAKIA[0-9A-Z]{16}\b`,
  String.raw`\bAIza[\w-]{30,}`,
  String.raw`\beyJ[\w-]{8,}\.[\w.-]{8,}`, // a JWT: {" in base64url
  String.raw`\bbearer\s+[^\s"',;]+`,
];
const lookalikes = new RegExp(forms.join('|'), 'gi');
/** What each of the forms begins with: nearly no text has any, and this is told in half the time. */
const beginning =
  /(?:tg[ksa]|inf|sk|pk|rk|hrku|glpat|xai|xox[a-z]|gh[a-z]|github_pat|hf|gsk|npm|whsec)[-_]|AKIA|AIza|eyJ|bearer\s/i;
/** Anything shorter is no credential, or of no use to anybody. */
const shortest = 13;

/** Whether a name has a credential in it, perhaps written in other characters that look the same. Pure. */
export function looksLikeCredential(text: string): boolean {
  if (text.length < shortest) return false;
  return hasCredential(text) || spellingsOf(text).some(hasCredential);
}

/** The text for someone to see: without credentials. It is the same text if there are none. Pure. */
export function withoutCredentials(text: string, mask = '[redacted]'): string {
  if (!looksLikeCredential(text)) return text;
  const masked = hasCredential(text) ? maskedCredentials(text, mask) : mask;
  return looksLikeCredential(masked) ? mask : masked;
}

/** The same for a log, where too much is masked rather than too little. Pure. */
export function maskedCredentials(text: string, mask: string): string {
  return beginning.test(text) ? text.replace(lookalikes, mask) : text;
}

function hasCredential(text: string): boolean {
  if (!beginning.test(text)) return false;
  for (const [found] of text.matchAll(lookalikes)) if (isOne(found)) return true;
  return false;
}

/** `sk-marketing-department-2026` and `a standard bearer of hope` are names. */
function isOne(found: string): boolean {
  if (/^tg[ksa]_/i.test(found)) return found.length > shownLength;
  if (/^bearer/i.test(found)) return /\s[\w.~+/=-]{8,}$/.test(found);
  if (/^(?:eyJ|AKIA|AIza|whsec_)/.test(found)) return true;
  return /\d/.test(found) && /[0-9a-z_]{12}/i.test(found);
}

/** The text with its percent-encoding undone, full-width letters made plain, and without characters nobody sees. */
function spellingsOf(text: string): string[] {
  const decoded = text.includes('%') ? [percentDecoded(text)] : [];
  // oxlint-disable-next-line no-control-regex -- printable ASCII is what needs no folding
  const isPlain = /^[\x00-\x7f]*$/.test(text);
  return isPlain ? decoded : [...decoded, text.normalize('NFKC').replaceAll(/[\p{Cf}\p{Mn}]/gu, '')];
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replaceAll(/%([2-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}
