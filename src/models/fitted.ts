import type { Catalogue } from '../config/catalogue.ts';
import { Refusal } from '../base/refusal.ts';
import { sentTo, type ValidRequest } from '../base/request.ts';
import { withOneOfSampling } from '../validation/one-of-sampling.ts';
import { allRepaired, type Repair } from './repairs/repair.ts';
import type { RequestRepairs } from './repairs/request-repairs.ts';

export interface Fitting {
  catalogue: Pick<Catalogue, 'needs'>;
  repairs: Pick<RequestRepairs, 'known'>;
}

/**
 * A request as its model takes it, by the catalogue and by what upstreams have refused before. `betas` is the
 * `anthropic-beta` header that is sent on. Nearly every request is returned as it is.
 */
export function fitted(
  request: ValidRequest,
  betas: string,
  { catalogue, repairs }: Fitting,
): ValidRequest | Refusal {
  const { model, endpoint } = request;
  const needs = catalogue.needs(model);
  const learned = repairs.known(model, sentTo(endpoint).path, betas);
  if (needs === null) return learned.length === 0 ? request : repairedRequest(request, learned);
  const asked = needs.oneOfSampling ? withOneOfSampling(request) : request;
  if (asked instanceof Refusal) return asked;
  const { lowersOver, drop } = needs;
  if (lowersOver === null && drop.length === 0 && learned.length === 0) return asked;
  const documented: Repair[] = drop.map((path) => ({ kind: 'drop', path }));
  if (lowersOver !== null) documented.push({ kind: 'lower', max: lowersOver });
  return repairedRequest(asked, [...documented, ...learned]);
}

function repairedRequest(request: ValidRequest, repairs: readonly Repair[]): ValidRequest {
  const { body, adjusted } = allRepaired(request.body, repairs);
  if (body === request.body) return request;
  const max = Math.min(...repairs.map((repair) => (repair.kind === 'lower' ? repair.max : Infinity)));
  const outputBound = request.outputBound === null ? null : Math.min(request.outputBound, max);
  return { ...request, body, adjusted: [...(request.adjusted ?? []), ...adjusted], outputBound };
}
