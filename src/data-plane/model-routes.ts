import { checkModel } from '../access/policy.ts';
import { type DocumentedOperation, okJson } from '../base/operation-docs.ts';
import type { Principal } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { availableModelsResponse, modelResponse, modelsResponse } from './self-response.ts';
import type { Answers } from '../edge/answers.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import { availableModel } from '../models/available-models.ts';
import type { Call } from '../edge/call.ts';
import type { ServedModel, ServedModels } from '../models/served-models.ts';

export interface ModelRoutesParts {
  frontDoor: FrontDoor;
  answers: Answers;
  served: ServedModels;
}

export const modelsDocs: DocumentedOperation = {
  docs: { summary: 'List the models this token may use', answer: okJson(modelsResponse) },
  access: 'session or user',
};
export const modelDocs: DocumentedOperation = {
  docs: {
    summary: 'Tell of one of them',
    details: 'The id may have strokes in it, percent-encoded or not.',
    answer: okJson(modelResponse),
    refusals: ['model_not_found'],
  },
  access: 'session or user',
};
export const availableModelsDocs: DocumentedOperation = {
  docs: {
    summary: "List models in Heroku's shape",
    details: 'With a token what it may use; without one what is public.',
    answer: okJson(availableModelsResponse),
    refusals: ['invalid_token', 'expired_token', 'revoked_token', 'suspended', 'origin_not_allowed'],
  },
  access: 'anyone',
};

/** What models there are for the caller: always fresh, neither counted nor in the ledger. */
export class ModelRoutes {
  readonly #parts: ModelRoutesParts;

  constructor(parts: ModelRoutesParts) {
    this.#parts = parts;
  }

  /** `GET /v1/models`: what this token may use, in OpenAI's list shape. */
  async list(call: Call): Promise<void> {
    const { answers } = this.#parts;
    const models = await this.#usable(call);
    if (models instanceof Refusal) return answers.refuse(call, models);
    answers.answer(call, { object: 'list', data: models.map(modelEntry) });
  }

  /** `GET /v1/models/:id`: one of them. An id may hold strokes, encoded or not. */
  async one(call: Call): Promise<void> {
    const { answers } = this.#parts;
    const models = await this.#usable(call);
    if (models instanceof Refusal) return answers.refuse(call, models);
    const wanted = decoded(call.path.slice('/v1/models/'.length));
    const found = models.find(({ id }) => id === wanted);
    if (found) answers.answer(call, modelEntry(found));
    else answers.refuse(call, notUsable());
  }

  /**
   * `GET /available-models`, in Heroku's shape: a bare array. With a token what it may use, since clients try their
   * credentials here; without one what is public anyway.
   */
  async available(call: Call): Promise<void> {
    const { answers, served } = this.#parts;
    const { authorization, 'x-api-key': apiKey } = call.incoming.headers;
    const isAnonymous = authorization === undefined && apiKey === undefined;
    const models = isAnonymous ? served.all().filter(({ isPublic }) => isPublic) : await this.#usable(call);
    if (models instanceof Refusal) return answers.refuse(call, models);
    answers.answer(
      call,
      models.map((model) => availableModel(model.id, model)),
    );
  }

  async #usable(call: Call): Promise<readonly ServedModel[] | Refusal> {
    const { frontDoor, served } = this.#parts;
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const { principal } = caller;
    return served
      .all(namedBy(principal))
      .filter(({ id, aliasOf }) => checkModel(principal, aliasOf ?? id) === null);
  }
}

/** What a policy names is served where any model is, known to the catalogue or not. */
function namedBy({ identity: { team, token, session } }: Principal): readonly string[] {
  return [...(session?.models ?? token.models ?? []), ...(team.models ?? [])];
}

function modelEntry({ id, aliasOf }: ServedModel): object {
  const alias = aliasOf === null ? {} : { alias_of: aliasOf };
  return { id, object: 'model', created: 0, owned_by: 'heroku', ...alias };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The id is not repeated: people paste tokens anywhere. */
function notUsable(): Refusal {
  const message =
    'This token may not use a model of this id, or nobody serves one; GET /v1/models lists what there is.';
  return new Refusal('model_not_found', message);
}
