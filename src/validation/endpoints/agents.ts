import { schemaOf, documented, numberIn } from '../documented.ts';
import { endpointOf } from '../endpoint.ts';
import { anything, model, optionalFlag, optionalInteger, optionalNumberIn } from '../fields.ts';
import { checkOutputBound, checkStop, stopSchema } from './chat.ts';
import { repaired } from './chat-repairs.ts';
import { countMedia } from '../media.ts';
import { checkMessages, messagesConversation, messagesSchema } from './chat-messages.ts';
import { checkAgentTools, agentToolsSchema } from './agent-tools.ts';
import { remoteToolsIn } from './chat-tools.ts';

const outputField = 'max_tokens_per_inference_request';

/** Dev Center, heroku-inference-api-v1-agents-heroku; below the line, what later pages and clients add. */
const fields = documented({
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

/** `POST /v1/agents/heroku`: the upstream runs tools and asks the model again until it has an answer. */
export const agents = endpointOf({
  path: '/v1/agents/heroku',
  modelKind: 'chat',
  answerFormat: 'heroku-agents',
  docs: {
    summary: 'Have an agent use tools until it has an answer',
    details:
      'Always a stream. Only for tokens whose endpoints name it. A tool that runs in an app is granted as name@app.',
    body: schemaOf(fields, { messages: messagesSchema, stop: stopSchema, tools: agentToolsSchema }),
    answer: null,
    streams: true,
  },
  mustBeNamed: true,
  outputField,
  minimalBody: { model: 'any', messages: [{ role: 'user', content: '-' }] },
  defaultAllow: ['messages'],
  conversation: messagesConversation,
  fieldAliases: [],
  fields,
  check(body, findings, maxOutputTokens) {
    checkMessages(body, findings);
    checkStop(body['stop'], findings);
    const inferences = checkAgentTools(body, findings);
    checkOutputBound(outputField, body, maxOutputTokens, findings);
    return inferences;
  },
  describe(request, inferences) {
    const { body } = request;
    countMedia(request);
    // Whatever the body says: the upstream always answers with one.
    request.stream = true;
    request.body = repaired(body);
    request.outputBound = numberIn(body, outputField);
    request.choices = inferences;
    request.remoteTools = remoteToolsIn(body);
  },
});
