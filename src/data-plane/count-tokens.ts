import { z } from 'zod';
import { jsonBody, okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import type { Endpoint } from '../base/request.ts';
import { written } from '../base/written-body.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { estimateInput } from '../limits/reservation.ts';
import { countedMessages } from '../validation/endpoints/messages.ts';
import { responses } from '../validation/endpoints/responses.ts';
import type { Pipeline } from './pipeline.ts';

/** A path that clients ask how many tokens a request has. */
interface Count {
  path: string;
  /** Checks the request, and is what policy knows it by. */
  endpoint: Endpoint;
  docs: OperationDocs;
  /** What the answer has besides the figure. */
  more: object;
}

const estimate = {
  input_tokens: z.int().min(0),
  estimated: z.literal(true).meta({ description: 'No model has counted them.' }),
};

/** For Claude Code and Anthropic's SDKs. */
const ofMessages: Count = {
  path: '/v1/messages/count_tokens',
  endpoint: countedMessages,
  docs: docsOf(countedMessages, z.object(estimate).meta({ id: 'TokenEstimate' })),
  more: {},
};

/** For OpenAI's. */
const ofResponses: Count = {
  path: '/v1/responses/input_tokens',
  endpoint: responses,
  docs: docsOf(
    responses,
    z
      .object({ object: z.literal('response.input_tokens'), ...estimate })
      .meta({ id: 'ResponseTokenEstimate' }),
  ),
  more: { object: 'response.input_tokens' },
};

interface CountDeps {
  frontDoor: FrontDoor;
  pipeline: Pick<Pipeline, 'validate' | 'refusal'>;
  answers: Answers;
}

/**
 * Estimates of a request's input tokens: the figure that would be reserved. Whoever may send the request may ask; it is
 * neither sent on, counted nor in the ledger.
 */
export function countRoutes({ frontDoor, pipeline, answers }: CountDeps): Route[] {
  async function count(call: Call, { endpoint, more }: Count): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, endpoint);
    if (caller instanceof Refusal) return caller;
    const request = await pipeline.validate(call, endpoint, caller);
    if (request === null || request instanceof Refusal) return request;
    const refused = await pipeline.refusal(call, request, caller);
    if (refused) return refused;
    const inputTokens = estimateInput(written(request.body).length, request);
    return { status: 200, body: { ...more, input_tokens: inputTokens, estimated: true } };
  }

  return [ofMessages, ofResponses].map((each) => {
    const handle = answers.replying((call) => count(call, each));
    return {
      path: each.path,
      methods: { POST: { docs: each.docs, access: 'session or user', checked: true, handle } },
    };
  });
}

function docsOf({ path, docs }: Endpoint, answer: z.ZodType): OperationDocs {
  return {
    summary: `Estimate the input tokens of POST ${path}`,
    details:
      'The figure that is reserved for its input: about four bytes of the body are a token. Nothing is sent to the upstream, counted or charged.',
    query: 'ignored', // SDKs send `?beta=true`
    body: jsonBody(docs.body),
    answer: okJson(answer),
    ...(docs.refusals === undefined ? {} : { refusals: docs.refusals }),
  };
}
