import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { Ids } from './ids.ts';
import { RequestTrace } from './request-trace.ts';
import type { Sampler } from './sampler.ts';
import { remoteSpan } from './trace-context.ts';

/** A request that has just come in. */
export interface TracedCall {
  readonly incoming: { readonly method?: string | undefined; readonly headers: IncomingHttpHeaders };
  readonly requestId: string;
  /** Monotonic, ms. */
  readonly startedMs: number;
  whenClosed(react: () => void): void;
}

export interface TracerParts {
  readonly sampler: Sampler;
  readonly clock: Clock;
  /** Gets each trace that is to be sent, once its request is over. */
  readonly take: (trace: RequestTrace) => void;
}

/** Begins the traces of requests. */
export class Tracer {
  readonly clock: Clock;
  readonly take: (trace: RequestTrace) => void;
  readonly #sampler: Sampler;
  readonly #ids = new Ids();

  constructor({ sampler, clock, take }: TracerParts) {
    this.#sampler = sampler;
    this.clock = clock;
    this.take = take;
  }

  /**
   * `route` is the pattern of the call's path. A page may say anything of a trace, and whoever may open it can have it say
   * so: from a browser, it decides nothing.
   */
  begin(call: TracedCall, route: string): RequestTrace {
    const { incoming, requestId, startedMs } = call;
    const { method = '', headers } = incoming;
    const told = remoteSpan(headers['traceparent'], headers['tracestate']);
    const isOfBrowser = headers.origin !== undefined;
    const parent = isOfBrowser ? null : told;
    const traceId = parent?.traceId ?? this.#ids.trace();
    const isSampled = this.#sampler(traceId, parent);
    const isSampledOfStranger = isSampled && (parent === null || this.#sampler(this.#ids.trace(), null));
    const link = isOfBrowser ? told : null;
    const sampled = { isSampled, isSampledOfStranger };
    const began = { traceId, parent, link, ...sampled, method, route, requestId, startedMs };
    const trace = new RequestTrace(this, began);
    call.whenClosed(() => trace.closes());
    return trace;
  }
}
