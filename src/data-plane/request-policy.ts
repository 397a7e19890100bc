import { tagsHeader, tagsOfRequest } from '../access/caller-tags.ts';
import { checkBodyBytes, checkFurtherModels, checkModel, checkTools } from '../access/policy.ts';
import type { Price } from '../base/price.ts';
import { Refusal } from '../base/refusal.ts';
import type { ValidRequest } from '../base/request.ts';
import type { Catalogue } from '../config/catalogue.ts';
import type { Settings } from '../config/environment.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { Admission } from '../limits/admission.ts';
import { checkPriced, limitsTagged } from '../limits/grant.ts';

interface RequestPolicyParts {
  settings: Pick<Settings, 'maxBodyBytes'>;
  catalogue: Pick<Catalogue, 'real' | 'price'>;
  frontDoor: Pick<FrontDoor, 'entryRefusal'>;
  admission: Pick<Admission, 'heartbeat'>;
}

/** Whether a caller may make a request at all, whatever its limits have left. */
export class RequestPolicy {
  readonly #parts: RequestPolicyParts;

  constructor(parts: RequestPolicyParts) {
    this.#parts = parts;
  }

  /** Null if it may. */
  refusal(call: Call, request: ValidRequest, principal: Principal): Refusal | null {
    return (
      this.#parts.frontDoor.entryRefusal(call, request.endpoint, principal) ??
      checkBodyBytes(principal, call.bodyBytes, this.#parts.settings.maxBodyBytes) ??
      checkModel(principal, request.model) ??
      this.#furtherRefusal(request, principal) ??
      checkTools(principal, request.remoteTools) ??
      this.#priceRefusal(call, request, principal)
    );
  }

  /** The price now, by the store's clock, which also dates the entry. */
  price(model: string): Price | null {
    const { admission, catalogue } = this.#parts;
    return catalogue.price(model, admission.heartbeat.storeNowMs());
  }

  #furtherRefusal({ furtherModels }: ValidRequest, principal: Principal): Refusal | null {
    if (furtherModels === undefined) return null;
    return checkFurtherModels(principal, furtherModels.map(this.#parts.catalogue.real));
  }

  /** Also the refusal of its tags: which limits count it depends on them. */
  #priceRefusal(call: Call, request: ValidRequest, principal: Principal): Refusal | null {
    const tags = tagsOf(call, principal);
    if (tags instanceof Refusal) return tags;
    return checkPriced(limitsTagged(principal, tags), request, this.price(request.model));
  }
}

/** The tags of a request of this caller. */
export function tagsOf(call: Call, principal: Principal): string | Refusal {
  return tagsOfRequest(principal, call.incoming.headers[tagsHeader]);
}
