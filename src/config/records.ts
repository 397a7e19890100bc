import type { VariableReader } from './variables.ts';

/** Where records are kept that must last; null: nowhere but in the store. */
export type RecordsSettings = {
  readonly url: string;
  /** Null: without TLS. */
  readonly tls: { readonly verify: boolean } | null;
  /** How long entries stay; sums stay for ever. */
  readonly retentionDays: number;
  /** How many bytes of the store entries may take that Postgres does not have yet. */
  readonly backlogBytes: number;
} | null;

const mebibyte = 1_048_576;
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads `DATABASE_URL` and what belongs to it. A wrong URL is a warning, never a reason not to start: the gateway serves
 * without its records.
 */
export function readRecords(read: VariableReader): {
  records: RecordsSettings;
  warnings: string[];
} {
  const verify = read.choice('DATABASE_TLS_VERIFY', ['true', 'false'], 'false') === 'true';
  const bounds = {
    retentionDays: read.integer('RECORDS_RETENTION_DAYS', { fallback: 400, min: 31, max: 36_500 }),
    backlogBytes: read.integer('RECORDS_BACKLOG_BYTES', {
      fallback: 8 * mebibyte,
      min: mebibyte,
      max: 65_536 * mebibyte,
    }),
  };
  const text = read.text('DATABASE_URL');
  if (text === undefined) return { records: null, warnings: [] };
  const problem = problemOf(text);
  if (problem !== null) return { records: null, warnings: [`DATABASE_URL: ${problem} Nothing is recorded.`] };
  const url = new URL(text);
  const mode = url.searchParams.get('sslmode');
  url.search = '';
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const isPlain = mode === 'disable' || (mode === null && isLocal);
  const mustVerify = verify || mode === 'verify-full' || mode === 'verify-ca';
  return {
    // Heroku's servers have self-signed certificates (Dev Center, connecting-heroku-postgres).
    records: { url: url.href, tls: isPlain ? null : { verify: mustVerify }, ...bounds },
    warnings: [],
  };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with a URL, without its text: it has a password. */
function problemOf(text: string): string | null {
  const expected = 'expected a postgres:// URL with a host and the name of a database.';
  if (!URL.canParse(text)) return expected;
  const { protocol, username, password, hostname, pathname, searchParams } = new URL(text);
  if (!isDecodable(username + password + pathname)) return 'a % must be written as %25.';
  const isPostgres = protocol === 'postgres:' || protocol === 'postgresql:';
  if (!isPostgres || hostname === '' || !/^\/[^/]+$/.test(pathname)) return expected;
  const mode = searchParams.get('sslmode');
  if (mode !== null && !modes.includes(mode)) return `sslmode must be one of ${modes.join(', ')}.`;
  return [...searchParams.keys()].every((name) => name === 'sslmode')
    ? null
    : 'expected no option in the URL but sslmode.';
}
