import { z } from 'zod';
import { type JsonObject, type JsonValue, isJsonObject, parsedJson } from '../../base/request.ts';
import { schemaOf, documented, objectsIn } from '../documented.ts';
import {
  anything,
  optionalObject,
  optionalText,
  requiredChoice,
  requiredTextOf,
  optional,
} from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import { checkRuntimeParams, runtimeParamsSchema } from './agent-tools.ts';
import { grantsFor, isCallersTool, namesOf } from './remote-tools.ts';

/** `heroku_tool` and `mcp` tools run code in someone's app; the token's policy decides. `custom` is OpenAI's. */
const toolTypes = ['function', 'heroku_tool', 'mcp', 'custom'];

const name = requiredTextOf(1, 256);

const toolFields = documented({
  type: requiredChoice(toolTypes),
  function: anything,
  name: optional(name),
  description: optionalText,
  runtime_params: anything,
});
const toolList = { level: toolFields, max: 512, of: 'tools' };
const functionFields = documented({ name, description: optionalText, parameters: optionalObject });

const toolCallFields = documented({
  id: optionalText,
  type: optional(requiredChoice(toolTypes)),
  function: anything,
});
const callList = { level: toolCallFields, max: 512, of: 'tool calls' };
const calledFunctionFields = documented({ name, arguments: anything });

const choiceModes = ['none', 'auto', 'required'];
/** The last two are OpenAI's: the upstream knows what belongs in them. */
const choiceTypes = ['function', 'custom', 'allowed_tools'];
const choiceFields = documented({ type: requiredChoice(choiceTypes), function: anything });
const chosenFunctionFields = documented({ name });

/* What the functions below check, for the API's description. */

export const toolsSchema = z
  .array(
    schemaOf(toolFields, {
      function: schemaOf(functionFields).nullish(),
      runtime_params: runtimeParamsSchema,
    }),
  )
  .max(toolList.max)
  .nullish();
const calledFunction = schemaOf(calledFunctionFields, {
  arguments: z
    .union([
      z
        .string()
        .regex(/^\s*(?:\{[\s\S]*\}\s*)?$/)
        .meta({ description: 'The JSON of an object, or nothing.' }),
      z.looseObject({}),
    ])
    .nullish(),
});
export const toolCallsSchema = z
  .array(
    z.union([
      schemaOf(toolCallFields, {
        type: requiredChoice(toolTypes.filter((type) => type !== 'custom')).nullish(),
        function: calledFunction,
      }),
      schemaOf(toolCallFields, { type: z.literal('custom'), function: z.never().optional() }),
    ]),
  )
  .max(callList.max)
  .nullish();
export const toolChoiceSchema = z
  .union([
    z.enum(choiceModes),
    schemaOf(choiceFields, { type: z.literal('function'), function: schemaOf(chosenFunctionFields) }),
    schemaOf(choiceFields, { type: requiredChoice(['custom', 'allowed_tools']) }),
  ])
  .nullish();

/** Checks `tools`. What is inside `parameters` is not checked. */
export function checkTools(body: JsonObject, findings: Findings): void {
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => {
    checkRuntimeParams(tool, path, findings);
    if (tool['type'] === 'function' || isJsonObject(tool['function'])) {
      findings.object(functionFields, tool['function'], joinPath(path, 'function'));
    } else if (typeof tool['type'] === 'string' && tool['type'] !== 'custom' && namesOf(tool).length === 0) {
      findings.add(joinPath(path, 'name'), 'is required and must be the name of the tool');
    }
  });
}

/** Checks the calls of an assistant message. What the arguments mean is not checked. */
export function checkToolCalls(
  value: JsonValue | undefined,
  listPath: string,
  { findings, toolArguments }: { findings: Findings; toolArguments: ToolArguments },
): void {
  findings.objects(callList, value, listPath, (call, path) => {
    if (call['type'] === 'custom') {
      // OpenAI's own kind: the upstream knows what belongs in it.
      if ('function' in call) findings.add(joinPath(path, 'type'), 'must be function, as the call has one');
      return;
    }
    const functionPath = joinPath(path, 'function');
    const called = findings.object(calledFunctionFields, call['function'], functionPath);
    // The seed shows both: a string in one example, an object in another.
    if (toolArguments.areObject(called?.['arguments'])) return;
    findings.add(
      joinPath(functionPath, 'arguments'),
      'must be an object or a string with the JSON of one; if the answer it comes from was cut off (finish_reason "length"), leave this call and its result out, or send "{}", and ask again with a larger max_tokens',
    );
  });
}

/** Checks `tool_choice`: a mode, or one of the tools given. */
export function checkToolChoice(body: JsonObject, findings: Findings): void {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return;
  if (!isJsonObject(choice)) {
    if (typeof choice === 'string' && choiceModes.includes(choice)) return;
    findings.add('tool_choice', `must be one of ${choiceModes.join(', ')}, or {type, function: {name}}`);
    return;
  }
  findings.fields(choiceFields, choice, 'tool_choice');
  if (choice['type'] === 'custom' || choice['type'] === 'allowed_tools') return;
  const chosen = findings.object(chosenFunctionFields, choice['function'], 'tool_choice.function');
  const given = objectsIn(body, 'tools').flatMap(namesOf);
  const wanted = chosen?.['name'];
  if (typeof wanted === 'string' && !given.includes(wanted)) {
    findings.add('tool_choice.function.name', 'must be the name of one of the tools given');
  }
}

/** What a token's `tools` must name for the tools that run elsewhere. */
export function remoteToolsIn(body: JsonObject): readonly string[] {
  return objectsIn(body, 'tools')
    .filter((tool) => !isCallersTool(tool))
    .flatMap(grantsFor);
}

/** Parsing more could hold the event loop: a text of small values takes JSON.parse 30 ns a character. */
const maxParsedLength = 262_144;

/** Whether the arguments of a body's tool calls are what every model takes: an object, or the JSON of one. */
export class ToolArguments {
  #leftToParse = maxParsedLength;

  /** Empty ones are accepted, and sent on as an empty object. Of long texts only the ends are checked. */
  areObject(given: JsonValue | undefined): boolean {
    if (isEmptyArguments(given)) return true;
    if (typeof given !== 'string') return isJsonObject(given);
    const text = given.trim();
    if (!text.startsWith('{') || !text.endsWith('}')) return false;
    if (given.length > this.#leftToParse) return true;
    this.#leftToParse -= given.length;
    return parsedJson(given) !== undefined;
  }
}

/** Several models and SDKs write a call without arguments like this. */
export function isEmptyArguments(given: JsonValue | undefined): boolean {
  return given === undefined || given === null || (typeof given === 'string' && given.trim() === '');
}
