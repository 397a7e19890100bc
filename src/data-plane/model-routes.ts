import { z } from 'zod';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import { availableModelsPath } from '../base/cors.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { availableModel } from '../models/available-models.ts';
import type { ServedModel, ServedModels } from '../models/served-models.ts';

const text = z.string();

const modelResponse = z
  .object({
    id: text,
    object: z.literal('model'),
    created: z.int(),
    owned_by: text,
    alias_of: text.exactOptional().meta({ description: 'The model that this name stands for.' }),
  })
  .meta({ id: 'Model' });

const modelsResponse = z
  .object({ object: z.literal('list'), data: z.array(modelResponse) })
  .meta({ id: 'Models' });

const availableModelsResponse = z
  .array(z.object({ model_id: text, type: z.array(text), regions: z.array(text) }))
  .meta({ id: 'AvailableModels' });

/** SDKs send parameters for pages; the lists are whole. */
const query = 'ignored';

const docs = {
  list: { summary: 'List the models this token may use', query, answer: okJson(modelsResponse) },
  read: {
    summary: 'Read one of these models',
    details: 'The id may contain slashes, percent-encoded or not.',
    query,
    answer: okJson(modelResponse),
    refusals: ['model_not_found'],
  },
  available: {
    summary: "List models in Heroku's shape",
    details: 'With a token: the models it may use. Without one: the public models.',
    query,
    answer: okJson(availableModelsResponse),
    refusals: ['invalid_token', 'expired_token', 'revoked_token', 'suspended', 'origin_not_allowed'],
  },
} satisfies Record<string, OperationDocs>;

/** The models a caller may use, by three paths: always fresh, neither counted nor in the ledger. */
export function modelRoutes(deps: { frontDoor: FrontDoor; answers: Answers; served: ServedModels }): Route[] {
  const { frontDoor, answers, served } = deps;

  async function usable(call: Call): Promise<readonly ServedModel[] | Refusal> {
    const caller = await frontDoor.authenticate(call, null, { freshly: true });
    if (caller instanceof Refusal) return caller;
    return served.usableBy(caller.principal);
  }

  /** In OpenAI's list shape. */
  async function list(call: Call): Promise<Reply> {
    const models = await usable(call);
    if (models instanceof Refusal) return models;
    return { status: 200, body: { object: 'list', data: models.map(modelEntry) } };
  }

  async function read(call: Call): Promise<Reply> {
    const models = await usable(call);
    if (models instanceof Refusal) return models;
    const wanted = decoded(call.path.slice('/v1/models/'.length));
    const found = models.find(({ id }) => id === wanted);
    return found ? { status: 200, body: modelEntry(found) } : notUsable();
  }

  /** A bare array. With a token only what it may use, since clients try their credentials here. */
  async function available(call: Call): Promise<Reply> {
    const { authorization, 'x-api-key': apiKey } = call.incoming.headers;
    const isAnonymous = authorization === undefined && apiKey === undefined;
    const models = isAnonymous ? served.all().filter(({ isPublic }) => isPublic) : await usable(call);
    if (models instanceof Refusal) return models;
    return { status: 200, body: models.map((model) => availableModel(model.id, model)) };
  }

  const access = 'session or user';
  return [
    { path: '/v1/models', methods: { GET: { docs: docs.list, access, handle: answers.replying(list) } } },
    {
      path: '/v1/models/:id{.+}',
      methods: { GET: { docs: docs.read, access, handle: answers.replying(read) } },
    },
    {
      path: availableModelsPath,
      methods: { GET: { docs: docs.available, access: 'anyone', handle: answers.replying(available) } },
    },
  ];
}

function modelEntry({ id, aliasOf }: ServedModel): object {
  const alias = aliasOf === null ? {} : { alias_of: aliasOf };
  return { id, object: 'model', created: 0, owned_by: 'heroku', ...alias };
}

function decoded(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
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
