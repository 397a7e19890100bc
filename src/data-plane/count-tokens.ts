import { z } from 'zod';
import { jsonBody, okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { written } from '../base/written-body.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { estimateInput } from '../limits/reservation.ts';
import { countedMessages } from '../validation/endpoints/messages.ts';
import type { Pipeline } from './pipeline.ts';

const docs: OperationDocs = {
  summary: 'Estimate the input tokens of a message',
  details:
    'The figure that POST /v1/messages reserves for its input: about four bytes of the body are a token. Nothing is sent to the upstream, counted or charged.',
  query: 'ignored', // SDKs send `?beta=true`
  body: jsonBody(countedMessages.docs.body),
  answer: okJson(
    z
      .object({
        input_tokens: z.int().min(0),
        estimated: z.literal(true).meta({ description: 'No model has counted them.' }),
      })
      .meta({ id: 'TokenEstimate' }),
  ),
  refusals: [
    'endpoint_not_allowed',
    'model_not_allowed',
    'model_unpriced',
    'tool_not_allowed',
    'tag_not_allowed',
    'field_not_allowed',
    'model_not_found',
  ],
};

interface CountTokensDeps {
  frontDoor: FrontDoor;
  pipeline: Pick<Pipeline, 'validate' | 'refusal'>;
  answers: Answers;
}

/**
 * `POST /v1/messages/count_tokens`, which Claude Code and Anthropic's SDKs ask. Whoever may send the message gets the
 * figure; it is neither counted nor in the ledger.
 */
export function countTokensRoute({ frontDoor, pipeline, answers }: CountTokensDeps): Route {
  async function count(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, countedMessages);
    if (caller instanceof Refusal) return caller;
    const request = await pipeline.validate(call, countedMessages, caller);
    if (request === null || request instanceof Refusal) return request;
    const refused = await pipeline.refusal(call, request, caller);
    if (refused) return refused;
    const inputTokens = estimateInput(written(request.body).length, request);
    return { status: 200, body: { input_tokens: inputTokens, estimated: true } };
  }

  return {
    path: '/v1/messages/count_tokens',
    methods: { POST: { docs, access: 'session or user', handle: answers.replying(count) } },
  };
}
