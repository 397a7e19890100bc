import type { IncomingHttpHeaders } from 'node:http';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import type { Upstream } from './upstreams.ts';

export interface ForwardOptions extends Omit<ExchangeOptions, 'secret'> {
  upstream: Upstream;
  path: string;
  body: Buffer;
  /** The caller's request headers; what of them goes on is `upstreamHeaders`' to say. */
  callerHeaders: IncomingHttpHeaders;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` tells how it ended. */
export function forward(options: ForwardOptions): void {
  const { upstream, path, body, callerHeaders, requestId, stream } = options;
  const { key } = upstream.attachment;
  upstream.pool.dispatch(
    {
      path: upstream.pathPrefix + path,
      method: 'POST',
      headers: upstreamHeaders(callerHeaders, { key, requestId, stream }),
      body,
    },
    new Exchange({ ...options, secret: key }),
  );
}
