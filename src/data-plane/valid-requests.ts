import type { Authenticated } from '../access/authenticator.ts';
import { Refusal } from '../base/refusal.ts';
import type { Endpoint, JsonObject, ValidRequest } from '../base/request.ts';
import type { Catalogue } from '../config/catalogue.ts';
import type { Settings } from '../config/environment.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import { withRealModel } from '../identity/records/aliases.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { KeptItemsStore } from '../limits/kept-items-store.ts';
import { fitted } from '../models/fitted.ts';
import type { RequestRepairs } from '../models/repairs/request-repairs.ts';
import { asSent, fillPinned } from '../sessions/pinned.ts';
import { betasSentOn } from '../upstream/upstream-headers.ts';
import { outputSizeRefusal } from '../validation/output-size.ts';
import { parseJson, parseLargeJson } from '../validation/parse-json.ts';
import { referredResponses, withReferredItems } from './item-references.ts';
import { ownerOf, readKey } from './keyed-call.ts';

/** From this size on a body is worked on in several turns of the event loop. */
const largeBodyBytes = 1_048_576;

export interface ValidRequestsParts {
  settings: Pick<Settings, 'maxBodyBytes'>;
  catalogue: Catalogue;
  frontDoor: Pick<FrontDoor, 'forwardedBody'>;
  repairs: RequestRepairs;
  /** Reads items of earlier responses; null: none are kept. */
  items: Pick<KeptItemsStore, 'read'> | null;
}

/** Makes valid requests of what callers send: the pipeline's first step. */
export class ValidRequests {
  readonly #parts: ValidRequestsParts;
  /** The last large body that was to be read. */
  #largeBody: Promise<unknown> = Promise.resolve();

  constructor(parts: ValidRequestsParts) {
    this.#parts = parts;
  }

  /** The body, read, filled in and checked; null when the caller left before it was in. */
  async valid(call: Call, endpoint: Endpoint, caller: Authenticated): Promise<ValidRequest | Refusal | null> {
    const { catalogue, frontDoor } = this.#parts;
    const bytes = await frontDoor.forwardedBody(call, caller);
    if (bytes === null || bytes instanceof Refusal) return bytes;
    const read = this.#read(call, caller.principal, bytes);
    const value = read instanceof Promise ? await read : read;
    if (value instanceof Refusal) return value;
    const whole = endpoint.keepsItems ? await this.#withItems(call, value, caller.principal) : value;
    if (whole instanceof Refusal) return whole;
    const pinned = caller.principal.identity.session?.pinned ?? null;
    const sent = withRealModel(whole, catalogue.real);
    const filled = pinned === null ? sent : fillPinned(endpoint, pinned, sent);
    if (filled instanceof Refusal) return filled;
    const valid = endpoint.validate(filled, (model) => catalogue.refusesOver(model), sent);
    if (valid instanceof Refusal) return pinned === null ? valid : asSent(endpoint, valid, pinned);
    call.model = valid.model;
    const tooMuch = outputSizeRefusal(valid, catalogue.maxOutputTokens(valid.model));
    if (tooMuch) return tooMuch;
    const betas = betasSentOn(call.incoming.headers, pinned !== null);
    return fitted(valid, betas, this.#parts);
  }

  /** Its key and its JSON. Large bodies one after the other: while one is worked on, it takes several times its size. */
  #read(
    call: Call,
    principal: Principal,
    bytes: Buffer,
  ): JsonObject | Refusal | Promise<JsonObject | Refusal> {
    if (bytes.length <= largeBodyBytes) return readKey(call, principal, bytes) ?? parseJson(bytes);
    const read = this.#largeBody.then(() => readKey(call, principal, bytes) ?? parseLargeJson(bytes));
    this.#largeBody = read;
    return read;
  }

  /** The body with the items in it that it refers to, as far as they are kept. */
  #withItems(
    { bodyBytes, holding }: Call,
    body: JsonObject,
    { identity }: Principal,
  ): JsonObject | Promise<JsonObject | Refusal> {
    const { items, settings } = this.#parts;
    const responses = items === null ? [] : referredResponses(body);
    if (items === null || responses.length === 0) return body;
    const { maxBodyBytes } = settings;
    const owner = ownerOf(identity);
    return withReferredItems(body, responses, { owner, bodyBytes, maxBodyBytes, holding, store: items });
  }
}
