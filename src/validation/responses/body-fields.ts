import {
  anything,
  model,
  nothing,
  optionalFlag,
  optionalInteger,
  optionalNumber,
  optionalNumberIn,
  optionalObject,
  optionalText,
  optionalTexts,
} from '../fields.ts';
import { documented } from '../documented.ts';

/** Open Responses, "Create a response", with what OpenAI's clients send besides. A chat has these by the same names. */
const alike = {
  model,
  stream: optionalFlag,
  temperature: optionalNumberIn(0, 1),
  top_p: optionalNumberIn(0, 1),
};

/** These it has in another form, or not at all. */
const translated = {
  input: anything,
  instructions: optionalText,
  max_output_tokens: optionalInteger(1, 1_000_000),
  tools: anything,
  tool_choice: anything,
  parallel_tool_calls: optionalFlag,
  text: anything,
  reasoning: anything,
  // Repeated in the response.
  metadata: optionalObject,
  prompt_cache_key: optionalText,
  safety_identifier: optionalText,
  // Hints and permissions that nothing is done for.
  store: optionalFlag,
  include: optionalTexts,
  truncation: optionalText,
  stream_options: optionalObject,
  prompt_cache_retention: optionalText,
  prompt_cache_options: optionalObject,
  client_metadata: optionalObject,
  // Left out, which is said.
  service_tier: optionalText,
  max_tool_calls: optionalInteger(1),
  top_logprobs: optionalInteger(0, 20),
  context_management: anything,
};

/** What Heroku's chat takes besides. It is sent on as it is, like a field that is not known here. */
const ofChat = {
  stop: anything,
  extended_thinking: anything,
  top_k: optionalInteger(0),
  user: optionalText,
  seed: optionalInteger(Number.MIN_SAFE_INTEGER),
  frequency_penalty: optionalNumber,
  presence_penalty: optionalNumber,
  logit_bias: optionalObject,
  allow_ignored_params: optionalFlag,
};

/** What nothing here can do, and what a chat has by a name of its own. */
const refused = {
  previous_response_id: nothing('names an answer, and none is kept here; send all items in input'),
  conversation: nothing('names a conversation, and none is kept here; send all items in input'),
  prompt: nothing('names a stored prompt, and there are none here; send instructions and input'),
  background: nothing('must be false: no answer is kept, so none can be fetched later; set stream instead'),
  messages: nothing('is a field of chat completions; write input'),
  max_tokens: nothing('is a field of chat completions; write max_output_tokens'),
  max_completion_tokens: nothing('is a field of chat completions; write max_output_tokens'),
  response_format: nothing('is a field of chat completions; write text.format'),
  reasoning_effort: nothing('is a field of chat completions; write reasoning.effort'),
  functions: nothing('is a field of chat completions; write tools'),
  function_call: nothing('is a field of chat completions; write tool_choice'),
  modalities: nothing('is a field of chat completions; an answer is text here'),
  n: nothing('is a field of chat completions; there is one answer here'),
};

/** The fields of a body, those that are refused by name among them. */
export const bodyFields = documented({ ...alike, ...translated, ...ofChat, ...refused });

/** The fields that the API's description shows. */
export const shownFields = documented({ ...alike, ...translated, ...ofChat });

/** The fields that the chat does not get as they are. */
export const notSent: ReadonlySet<string> = new Set(Object.keys({ ...translated, ...refused }));
