import type { SamplerSettings } from '../config/telemetry.ts';
import type { RemoteSpan } from './trace-context.ts';

/** Whether a trace is sampled. `parent` is null if it begins here. */
export type Sampler = (traceId: string, parent: RemoteSpan | null) => boolean;

/** The sampler that `OTEL_TRACES_SAMPLER` names. Pure: it decides by the trace's id, as every process does. */
export function samplerOf({ kind, ratio }: SamplerSettings): Sampler {
  switch (kind) {
    case 'always_on':
      return () => true;
    case 'always_off':
      return () => false;
    case 'traceidratio':
      return (traceId) => isWithin(traceId, ratio);
    case 'parentbased_always_on':
      return (_, parent) => parent === null || parent.isSampled;
    case 'parentbased_always_off':
      return (_, parent) => parent !== null && parent.isSampled;
    case 'parentbased_traceidratio':
      return (traceId, parent) => (parent === null ? isWithin(traceId, ratio) : parent.isSampled);
  }
}

/** The last 56 bits of an id are its random part (W3C Trace Context, level 2); 52 of them fit a number exactly. */
const randomDigits = 13;

function isWithin(traceId: string, ratio: number): boolean {
  const random = Number.parseInt(traceId.slice(-randomDigits), 16);
  return random >= (1 - ratio) * 2 ** (4 * randomDigits);
}
