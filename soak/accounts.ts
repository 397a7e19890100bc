import { windowIndex } from '../src/limits/window.ts';
import type { LedgerEntry } from '../src/ledger/entry.ts';
import type { Counted } from './store-snapshot.ts';

/** Codes of requests that are refunded, since the upstream never took them: contract 1.4, "Who pays". */
const refunding: ReadonlySet<string> = new Set([
  'upstream_unreachable',
  'upstream_auth_failed',
  'upstream_blocked',
  'upstream_rate_limited',
]);

/** How much of a limit's metric an entry was charged. */
export function charged(entry: LedgerEntry, metric: Counted['limit']['metric']): number {
  switch (metric) {
    case 'requests':
      return wasRefunded(entry) ? 0 : 1;
    case 'tokens':
      return entry.input_tokens + entry.output_tokens;
    case 'images':
      return entry.images;
    case 'cost_usd':
      return Math.round((entry.cost_usd ?? 0) * 1e9);
    case 'concurrency':
      return 0; // nothing is open when the snapshot is read
  }
}

/** Not taken by the upstream, or over before it was sent. */
function wasRefunded(entry: LedgerEntry): boolean {
  if (refunding.has(entry.error_code ?? '')) return true;
  const nothing = entry.input_tokens + entry.output_tokens + entry.images === 0;
  return nothing && (entry.outcome === 'aborted' || entry.error_code === 'shutdown');
}

/** Whether a limit counts an entry. */
export function applies({ team, user, tokenId, limit }: Counted, entry: LedgerEntry): boolean {
  return (
    entry.team === team &&
    (user === null || entry.user === user) &&
    (tokenId === null || entry.token_id === tokenId) &&
    (limit.models?.includes(entry.model) ?? true)
  );
}

/** The calendar window an entry was reserved in, by the time of its admission. */
export function windowOf(span: 'day' | 'month', entry: LedgerEntry): number {
  return windowIndex(span, Date.parse(entry.time));
}

/** A limit in words, and whose it is. */
export function nameOf({ scope, team, user, tokenId, limit }: Counted): string {
  const whose = [team, user, tokenId].filter((id) => id !== null).join('/');
  const window = limit.metric === 'concurrency' ? 'at once' : `a ${limit.window}`;
  const models = limit.models === undefined ? '' : ` (${limit.models.join(', ')})`;
  return `${scope} ${whose}: ${limit.metric} ${window}${models}`;
}
