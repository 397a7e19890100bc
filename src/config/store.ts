import type { VariableReader } from './variables.ts';

export type StoreSettings =
  | { readonly kind: 'redis'; readonly url: string; readonly verifyTls: boolean; readonly prefix: string }
  | { readonly kind: 'memory' };

/**
 * Which store: Redis if a URL is set, else the embedded store. Nobody should get that in production by accident: it
 * forgets identities, limits and the ledger with every restart.
 */
export function readStore(
  read: VariableReader,
  production: boolean,
): { store: StoreSettings; warnings: string[] } {
  const memoryAsked = read.text('STORE') !== undefined;
  read.choice('STORE', ['memory'], 'memory');
  const verifyTls = read.choice('REDIS_TLS_VERIFY', ['true', 'false'], 'false') === 'true';
  const prefix = readPrefix(read);

  const variable = read.text('REDIS_TLS_URL') === undefined ? 'REDIS_URL' : 'REDIS_TLS_URL';
  const url = read.text(variable);
  if (url !== undefined) {
    if (!isRedisUrl(url)) read.expected(variable, 'a redis:// or rediss:// URL with a host');
    else for (const expectation of optionsIn(url)) read.expected(variable, expectation);
    const warnings = memoryAsked ? [`STORE: ignored, since ${variable} is set.`] : [];
    return { store: { kind: 'redis', url, verifyTls, prefix }, warnings };
  }
  if (production && !memoryAsked) {
    read.expected(
      'REDIS_URL',
      'to be set with NODE_ENV=production, unless STORE=memory asks for the embedded store',
    );
  }
  return { store: { kind: 'memory' }, warnings: [memoryWarning] };
}

const memoryWarning =
  'REDIS_URL: not set, so everything is kept in the memory of one process and forgotten when it stops.';

function readPrefix(read: VariableReader): string {
  const prefix = read.text('REDIS_PREFIX') ?? 'tollgate:';
  if (!/^[\x21-\x7e]{1,64}$/.test(prefix)) {
    read.expected('REDIS_PREFIX', 'at most 64 visible ASCII characters');
  }
  return prefix;
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname } = new URL(text);
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '' && /^\/?\d*$/.test(pathname);
}

/** What says in this gateway's way what others say in the query of the URL. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['keyprefix', 'set REDIS_PREFIX instead'],
  ['db', 'put the database at the end of the path instead: redis://host:6379/1'],
  ['database', 'put the database at the end of the path instead: redis://host:6379/1'],
  ['username', 'put it before the host instead: redis://user:password@host'],
  ['password', 'put it before the host instead: redis://user:password@host'],
  ['tls', 'write rediss:// instead'],
  ['ssl', 'write rediss:// instead'],
  ['ssl_cert_reqs', 'set REDIS_TLS_VERIFY instead'],
  ['rejectunauthorized', 'set REDIS_TLS_VERIFY instead'],
  ['commandtimeout', 'set STORE_TIMEOUT_MS instead'],
]);

/**
 * One expectation for each option in a URL's query: there are none here. ioredis would take any of them as its own, as a
 * text: `?connectTimeout=5000` is no number and kills the start, `?keyPrefix=x` renames half of the keys.
 */
function optionsIn(url: string): string[] {
  const names = new Set(new URL(url).searchParams.keys());
  return [...names].map((name) => {
    // What is no name may be a part of a secret.
    const shown = /^[A-Za-z][A-Za-z_-]{0,30}$/.test(name)
      ? `no option ${name}`
      : 'nothing after a question mark';
    return `${shown} in the URL; ${remedies.get(name.toLowerCase()) ?? 'leave it out'}`;
  });
}
