import { checkModel } from '../access/policy.ts';
import type { Catalogue } from '../config/catalogue.ts';
import type { Principal } from '../identity/records/identity.ts';
import { type ListedModel, type ListedModels, type ModelKind, modelKinds } from '../base/model.ts';
import { invalidBody, type Refusal } from '../base/refusal.ts';
import type { ValidRequest } from '../base/request.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { endpoints } from '../validation/registry.ts';

/** A model that can be requested, under its id or an alias. */
export interface ServedModel {
  id: string;
  aliasOf: string | null;
  /** Empty if unknown. */
  kinds: readonly ModelKind[];
  regions: readonly string[];
  /** Whether the catalogue or an upstream's list has it, not only this gateway's configuration. */
  isPublic: boolean;
}

/** What this gateway serves: by its attachments, by what their upstreams list, by the catalogue. */
export class ServedModels {
  readonly #parts: { catalogue: Catalogue; upstreams: Upstreams; listed: ListedModels };
  /** The models of attachments without a MODEL_ID. */
  readonly #openUrls: readonly string[];

  constructor(parts: { catalogue: Catalogue; upstreams: Upstreams; listed: ListedModels }) {
    this.#parts = parts;
    this.#openUrls = [...new Set(parts.upstreams.open.map(({ baseUrl }) => baseUrl))];
  }

  /** Whether a model's name is more than a caller's claim. */
  knows(model: string): boolean {
    const { catalogue, upstreams } = this.#parts;
    return catalogue.kind(model) !== null || upstreams.names(model) || this.#listings(model).length > 0;
  }

  /** The refusal of a model that is certainly not for this endpoint: all sources that know it agree. */
  misplaced({ model, endpoint }: ValidRequest): Refusal | null {
    const wanted = endpoint.modelKind;
    const told = this.#parts.catalogue.kind(model);
    if (told === wanted) return null;
    const listings = this.#listings(model);
    if (listings.some(({ kinds }) => kinds.length === 0 || kinds.includes(wanted))) return null;
    const kind = told ?? listings[0]?.kinds[0];
    return kind === undefined ? null : wrongEndpoint(model, kind, endpoint.path);
  }

  /**
   * All models that can be requested, sorted by id. `named`: the models that a policy names. An attachment without a
   * MODEL_ID serves those and the catalogue's models too, until its upstream has said what it serves.
   */
  all(named: readonly string[] = []): ServedModel[] {
    const { catalogue, upstreams, listed } = this.#parts;
    const ids = new Set(upstreams.models);
    for (const baseUrl of this.#openUrls) {
      const told = listed.at(baseUrl)?.keys() ?? [...catalogue.models(), ...named];
      for (const id of told) ids.add(id);
    }
    const served = [...ids].filter((id) => !catalogue.aliases.has(id)).map((id) => this.#served(id));
    const byId = new Map(served.map((model) => [model.id, model]));
    for (const [id, aliasOf] of catalogue.aliases) {
      const target = byId.get(aliasOf);
      if (target) served.push({ ...target, id, aliasOf, isPublic: false });
    }
    return served.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The models that a caller may use, sorted by id. */
  usableBy(principal: Principal): ServedModel[] {
    return this.all(namedBy(principal)).filter(
      ({ id, aliasOf }) => checkModel(principal, aliasOf ?? id) === null,
    );
  }

  #served(id: string): ServedModel {
    const kind = this.#parts.catalogue.kind(id);
    const listings = this.#listings(id);
    const kinds = new Set([...(kind === null ? [] : [kind]), ...listings.flatMap((model) => model.kinds)]);
    const regions = new Set(listings.flatMap((model) => model.regions));
    return {
      id,
      aliasOf: null,
      kinds: [...kinds],
      regions: [...regions].sort(),
      isPublic: kind !== null || listings.length > 0,
    };
  }

  #listings(model: string): ListedModel[] {
    const { listed } = this.#parts;
    return this.#openUrls.flatMap((baseUrl) => listed.at(baseUrl)?.get(model) ?? []);
  }
}

/** The models a policy names: an attachment for any model serves them even if the catalogue does not have them. */
function namedBy({ identity: { team, token, session } }: Principal): readonly string[] {
  return [...(session?.models ?? token.models ?? []), ...(team.models ?? [])];
}

function wrongEndpoint(model: string, kind: ModelKind, path: string): Refusal {
  const right = endpoints.filter((endpoint) => endpoint.modelKind === kind).map((each) => each.path);
  const remedy =
    right.length === 0 ? 'name another model' : `send it to ${right.join(' or ')}, or name another model`;
  const message = `model: ${model} is ${modelKinds[kind].label}, which ${path} does not serve; ${remedy}.`;
  return invalidBody([{ param: 'model', message }]);
}
