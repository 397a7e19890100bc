import type { Catalogue } from '../config/catalogue.ts';
import type { Principal } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { type Endpoint, type JsonObject, sentTo, type ValidRequest } from '../base/request.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { parseJson } from '../validation/parse-json.ts';
import { fitted, type Fitting } from './fitted.ts';

/** An admitted request that may have to go to another model. */
export interface Replaceable {
  endpoint: Endpoint;
  /** The requested model. */
  model: string;
  /** Whether the caller bounds its output; otherwise a bound in it is the gateway's. */
  isBounded: boolean;
  /** The bytes to send. Not the parsed body, which would stay in memory until the answer ends. */
  sent: Buffer;
  /** The `anthropic-beta` header that is sent on; empty if there is none. */
  betas: string;
  /** The caller, as admitted. */
  principal: Principal;
}

/** The same request for the fallback model, and who serves that; null if there is none that takes it. */
export function fallbackFor(
  { catalogue, upstreams, repairs }: Fitting & { catalogue: Catalogue; upstreams: Upstreams },
  request: Replaceable,
): { request: ValidRequest; candidates: readonly Upstream[] } | null {
  const model = catalogue.fallback(request.model);
  if (model === null || isPinned(request.principal)) return null;
  const candidates = upstreams.candidates(model);
  if (candidates.length === 0) return null;
  const valid = validFor(model, request, { catalogue, repairs });
  return valid instanceof Refusal ? null : { request: valid, candidates };
}

function validFor(
  model: string,
  { endpoint, isBounded, sent, betas }: Replaceable,
  { catalogue, repairs }: Fitting & { catalogue: Catalogue },
): ValidRequest | Refusal {
  const body = parseJson(sent);
  if (body instanceof Refusal) return body;
  const field = endpoint.outputField ?? 'max_tokens';
  const most = isBounded ? null : catalogue.maxOutputTokens(model);
  const replaced = { ...lowered(body, field, most), model };
  const valid = sentTo(endpoint).validate(replaced, (id) => catalogue.refusesOver(id));
  return valid instanceof Refusal ? valid : fitted({ ...valid, endpoint }, betas, { catalogue, repairs });
}

function lowered(body: JsonObject, field: string, most: number | null): JsonObject {
  const bound = body[field];
  return most !== null && typeof bound === 'number' ? { ...body, [field]: Math.min(bound, most) } : body;
}

function isPinned({ identity: { session } }: Principal): boolean {
  return 'model' in (session?.pinned?.fields ?? {});
}
