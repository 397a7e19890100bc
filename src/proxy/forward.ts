import { Exchange, type ExchangeOptions } from './exchange.ts';
import { SplitEmbeddings, type SplitOptions } from './split-embeddings.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import type { Upstream } from './upstreams.ts';

export interface ForwardOptions extends Omit<ExchangeOptions, 'secret'> {
  upstream: Upstream;
  path: string;
  body: Buffer;
  /** Where it is to be sent as several. */
  split: SplitOptions | null;
  /** Whether the request is the one a session has pinned. */
  pinned: boolean;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` tells how it ended. */
export function forward(options: ForwardOptions): void {
  const { upstream, path, body, call, stream, pinned, settle } = options;
  const { key } = upstream.attachment;
  const split = options.split && new SplitEmbeddings(options.split);
  const exchange = new Exchange({
    ...options,
    secret: key,
    settle: split ? (outcome) => settle(split.charged(outcome)) : settle,
  });
  // The caller may have left while its request was being admitted.
  if (exchange.over) return;
  const headers = upstreamHeaders(call.incoming.headers, { key, requestId: call.requestId, stream, pinned });
  const request = { path: upstream.pathPrefix + path, method: 'POST', headers } as const;
  if (split) split.over(upstream.pool).dispatch(request, exchange);
  else upstream.pool.dispatch({ ...request, body }, exchange);
}
