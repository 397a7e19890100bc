import { isJsonObject, type JsonObject, type JsonValue, type Translation } from '../../base/request.ts';
import { numberIn, objectsIn, textIn } from '../documented.ts';
import { declaredTools } from './declared-tools.ts';

/** What the answer to a body that was checked is translated with. `sent` is what of it the answer may repeat. */
export function translationOf(body: JsonObject, sent: JsonObject): Translation {
  const tools = declaredTools(body);
  const custom = tools.filter(({ isCustom }) => isCustom).map(({ sentAs }) => sentAs);
  const namespaced = tools.filter(({ namespace }) => namespace !== '');
  return {
    repeated: repeatedOf(sent),
    stored: body['store'] !== false,
    customTools: custom.length === 0 ? noNames : new Set(custom),
    ...(namespaced.length > 0 && {
      namespaced: new Map(
        namespaced.map(({ sentAs, namespace, tool }) => [sentAs, { namespace, name: textIn(tool, 'name') }]),
      ),
    }),
  };
}
const noNames: ReadonlySet<string> = new Set();

/**
 * What a response repeats of its request: JSON members without braces, UTF-8 as Latin-1. What a request leaves open is
 * there with its default; what is not done here says so, whatever was asked for.
 */
function repeatedOf(body: JsonObject): string {
  const repeated: JsonObject = {
    instructions: body['instructions'] ?? null,
    tools: objectsIn(body, 'tools').map(shownTool),
    tool_choice: shownChoice(body['tool_choice'] ?? 'auto'),
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    text: shownText(body['text']),
    reasoning: shownReasoning(body['reasoning']),
    max_output_tokens: numberIn(body, 'max_output_tokens'),
    max_tool_calls: null,
    temperature: numberIn(body, 'temperature') ?? 1,
    top_p: numberIn(body, 'top_p') ?? 1,
    presence_penalty: numberIn(body, 'presence_penalty') ?? 0,
    frequency_penalty: numberIn(body, 'frequency_penalty') ?? 0,
    top_logprobs: 0,
    metadata: body['metadata'] ?? {},
    safety_identifier: body['safety_identifier'] ?? null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    user: body['user'] ?? null,
    previous_response_id: null,
    truncation: 'disabled',
    service_tier: 'default',
    store: false,
    background: false,
  };
  return Buffer.from(JSON.stringify(repeated).slice(1, -1)).toString('latin1');
}

function shownTool(tool: JsonObject): JsonObject {
  const { type = null, name = null, description = null, parameters = null, strict = null, format } = tool;
  if (type === 'function') return { type, name, description, parameters, strict };
  if (type === 'namespace')
    return { type, name, description, tools: objectsIn(tool, 'tools').map(shownTool) };
  return { type, name, description, format: format ?? { type: 'text' } };
}

function shownChoice(choice: JsonValue): JsonValue {
  if (!isJsonObject(choice) || choice['type'] !== 'allowed_tools') return choice;
  return { ...choice, mode: choice['mode'] ?? 'auto' };
}

function shownText(text: JsonValue | undefined): JsonObject {
  const given = isJsonObject(text) ? text : {};
  const { format, verbosity = null } = given;
  const shown: JsonObject = { format: isJsonObject(format) ? shownFormat(format) : { type: 'text' } };
  if (verbosity !== null) shown['verbosity'] = verbosity;
  return shown;
}

function shownFormat(format: JsonObject): JsonObject {
  const { type = null, name, description = null, schema = null, strict } = format;
  if (type !== 'json_schema') return { type };
  return { type, name: name ?? 'response', description, schema, strict: strict ?? false };
}

function shownReasoning(reasoning: JsonValue | undefined): JsonObject {
  const { effort = null, summary = null } = isJsonObject(reasoning) ? reasoning : {};
  return { effort, summary };
}
