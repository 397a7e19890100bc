import { asciiLowerCase } from '../base/ascii-case.ts';
import type { Variable, VariableReader } from './variables.ts';

/** Browser origins, comma-separated, as browsers send them: lower case, no default port, no path. */
export function readAllowedOrigins(read: VariableReader): string[] {
  const expected =
    'an exact origin such as https://app.example.com: scheme://host[:port], no path, no trailing slash, no *';
  return readList(read, 'ALLOWED_ORIGINS', { expected, normal: normaliseOrigin });
}

/** Where pages reach this gateway, comma-separated: no slash at the end. */
export function readPublicUrls(read: VariableReader): string[] {
  const expected =
    'an address of this gateway such as https://llm.example.com, without /v1, query and credentials';
  return readList(read, 'PUBLIC_URLS', { expected, normal: normaliseBase });
}

/** Hosts of webhooks that may have private addresses, comma-separated, as URLs have them: `host` or `host:port`. */
export function readPrivateHosts(read: VariableReader): string[] {
  const expected = 'a host such as hooks.internal or 10.1.2.3:8443, without scheme and path';
  return readList(read, 'WEBHOOK_PRIVATE_HOSTS', { expected, normal: normaliseHost });
}

function readList(
  read: VariableReader,
  variable: Variable,
  { expected, normal }: { expected: string; normal: (text: string) => string | null },
): string[] {
  const entries = (read.text(variable) ?? '').split(',').map((entry) => entry.trim());
  const values = entries.map((entry, index) => {
    if (entry === '') return [];
    const value = normal(entry);
    if (value !== null) return [value];
    // By its number, not its text: a pasted URL may carry credentials.
    read.expected(variable, `entry ${index + 1} to be ${expected}`);
    return [];
  });
  return [...new Set(values.flat())];
}

function normaliseHost(text: string): string | null {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^\s:/?#@\\*[\]]+)(:[0-9]{1,5})?$/.exec(text) ?? [];
  const url = host === '' ? null : URL.parse(`https://${host}`);
  return url === null ? null : url.hostname + port;
}

function normaliseBase(text: string): string | null {
  const url = /^https?:\/\/[^\s?#@\\*]+$/i.test(text) ? URL.parse(text) : null;
  return url === null ? null : `${url.origin}${url.pathname}`.replace(/\/+$/, '');
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
