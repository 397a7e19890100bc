import type { Refusal } from '../../base/refusal.ts';
import type { Endpoint, JsonObject, ValidRequest } from '../../base/request.ts';
import { schemaOf, documented, numberIn, textIn } from '../documented.ts';
import { anything, model, optionalFlag, optionalInteger, optionalNumberIn } from '../fields.ts';
import { Findings } from '../findings.ts';
import { checkOutputBound, checkStop, stopSchema } from './chat.ts';
import { mended } from './chat-mending.ts';
import { checkMessages, messagesSchema, imagesIn } from './chat-messages.ts';
import { checkAgentTools, agentToolsSchema } from './agent-tools.ts';
import { remoteToolsIn } from './chat-tools.ts';

const outputField = 'max_tokens_per_inference_request';

/** Dev Center, heroku-inference-api-v1-agents-heroku; below the line, what later pages and clients add. */
const agentFields = documented({
  model,
  messages: anything,
  [outputField]: optionalInteger(1),
  stop: anything,
  temperature: optionalNumberIn(0, 1),
  top_p: optionalNumberIn(0, 1),
  tools: anything,
  // —
  stream: optionalFlag,
  allow_ignored_params: optionalFlag,
});

const bodySchema = schemaOf(agentFields, {
  messages: messagesSchema,
  stop: stopSchema,
  tools: agentToolsSchema,
});

/** `POST /v1/agents/heroku`: the upstream runs tools and asks the model again until it has an answer. */
export const agents: Endpoint = {
  path: '/v1/agents/heroku',
  modelKind: 'chat',
  answerFormat: 'heroku-agents',
  docs: {
    summary: 'Have an agent use tools until it has an answer',
    details:
      'Always a stream. Only for tokens whose endpoints name it; a tool that runs in an app is granted with it, name@app.',
    body: bodySchema,
    answer: null,
    streams: true,
  },
  mustBeNamed: true,
  outputField,
  minimalBody: { model: 'any', messages: [{ role: 'user', content: '-' }] },
  defaultAllow: ['messages'],
  fieldAliases: [],
  validate(body, maxOutputTokens): ValidRequest | Refusal {
    const findings = new Findings();
    findings.fields(agentFields, body, '');
    checkMessages(body, findings);
    checkStop(body['stop'], findings);
    const inferences = checkAgentTools(body, findings);
    checkOutputBound(outputField, body, maxOutputTokens, findings);
    return findings.refusal() ?? describe(body, inferences);
  },
};

function describe(body: JsonObject, inferences: number): ValidRequest {
  return {
    endpoint: agents,
    model: textIn(body, 'model'),
    // Whatever the body says: the upstream knows no other answer.
    stream: true,
    body: mended(body),
    outputBound: numberIn(body, outputField),
    choices: inferences,
    images: 0,
    ...imagesIn(body),
    remoteTools: remoteToolsIn(body),
  };
}
