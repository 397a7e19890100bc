import { Exchange, type ExchangeOptions } from './exchange.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import type { Upstream } from './upstreams.ts';

export interface ForwardOptions extends Omit<ExchangeOptions, 'secret'> {
  upstream: Upstream;
  path: string;
  body: Buffer;
  /** Whether the request is the one a session has pinned. */
  pinned: boolean;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` tells how it ended. */
export function forward(options: ForwardOptions): void {
  const { upstream, path, body, call, stream, pinned } = options;
  const { key } = upstream.attachment;
  const exchange = new Exchange({ ...options, secret: key });
  // The caller may have left while its request was being admitted.
  if (exchange.over) return;
  const headers = upstreamHeaders(call.incoming.headers, { key, requestId: call.requestId, stream, pinned });
  upstream.pool.dispatch({ path: upstream.pathPrefix + path, method: 'POST', headers, body }, exchange);
}
