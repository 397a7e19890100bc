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
