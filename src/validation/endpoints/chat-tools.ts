import { z } from 'zod';
import { type JsonObject, type JsonValue, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import {
  anything,
  optionalChoice,
  optionalObject,
  optionalText,
  requiredChoice,
  requiredTextOf,
} from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import type { ToolArguments } from './tool-arguments.ts';
import { checkRuntimeParams, runtimeParamsSchema, targetAppOf } from './agent-tools.ts';

const maxTools = 512;
const maxToolCalls = 512;
const maxNameCharacters = 256;

/** `heroku_tool` and `mcp` tools run code in someone's app: listed for the token's policy to decide. */
const toolTypes = ['function', 'heroku_tool', 'mcp'];

const name = requiredTextOf(1, maxNameCharacters);

const toolFields = documented({
  type: requiredChoice(toolTypes),
  function: anything,
  name: name.nullish(),
  description: optionalText,
  runtime_params: anything,
});
const functionFields = documented({ name, description: optionalText, parameters: optionalObject });

const toolCallFields = documented({ id: optionalText, type: optionalChoice(toolTypes), function: anything });
const calledFunctionFields = documented({ name, arguments: anything });

const choiceModes = ['none', 'auto', 'required'];
const choiceFields = documented({ type: requiredChoice(['function']), function: anything });
const chosenFunctionFields = documented({ name });

/* What the functions below check, for the API's description. */

export const toolsSchema = z
  .array(
    schemaOf(toolFields, {
      function: schemaOf(functionFields).nullish(),
      runtime_params: runtimeParamsSchema,
    }),
  )
  .max(maxTools)
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
  .array(schemaOf(toolCallFields, { function: calledFunction }))
  .max(maxToolCalls)
  .nullish();
export const toolChoiceSchema = z
  .union([z.enum(choiceModes), schemaOf(choiceFields, { function: schemaOf(chosenFunctionFields) })])
  .nullish();

/** Checks `tools`; what is inside `parameters` and `runtime_params` is theirs. */
export function checkTools(body: JsonObject, findings: Findings): void {
  const tools = findings.list(body['tools'], 'tools', { max: maxTools, of: 'tools' });
  for (const [index, item] of (tools ?? []).entries()) {
    if (findings.full) return;
    const path = `tools.${index}`;
    const tool = findings.object(toolFields, item, path);
    if (!tool) continue;
    checkRuntimeParams(tool, path, findings);
    if (tool['type'] === 'function' || isJsonObject(tool['function'])) {
      findings.object(functionFields, tool['function'], joinPath(path, 'function'));
    } else if (typeof tool['type'] === 'string' && namesOf(tool).length === 0) {
      findings.add(joinPath(path, 'name'), 'is required and must be the name of the tool');
    }
  }
}

/** Checks what an assistant message says it called; what the arguments are is the tool's to say. */
export function checkToolCalls(
  value: JsonValue | undefined,
  listPath: string,
  { findings, toolArguments }: { findings: Findings; toolArguments: ToolArguments },
): void {
  const calls = findings.list(value, listPath, { max: maxToolCalls, of: 'tool calls' });
  for (const [index, item] of (calls ?? []).entries()) {
    if (findings.full) return;
    const path = joinPath(listPath, index);
    const call = findings.object(toolCallFields, item, path);
    if (!call) continue;
    const functionPath = joinPath(path, 'function');
    const called = findings.object(calledFunctionFields, call['function'], functionPath);
    // The seed shows both: a string in one example, an object in another.
    if (toolArguments.areObject(called?.['arguments'])) continue;
    findings.add(
      joinPath(functionPath, 'arguments'),
      'must be an object or a string with the JSON of one, such as "{}"; send it as the model gave it',
    );
  }
}

/** `tool_choice`: a mode, or one of the tools given. */
export function checkToolChoice(body: JsonObject, findings: Findings): void {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return;
  if (!isJsonObject(choice)) {
    if (typeof choice === 'string' && choiceModes.includes(choice)) return;
    findings.add('tool_choice', `must be one of ${choiceModes.join(', ')}, or {type, function: {name}}`);
    return;
  }
  findings.fields(choiceFields, choice, 'tool_choice');
  const chosen = findings.object(chosenFunctionFields, choice['function'], 'tool_choice.function');
  const given = toolsOf(body).flatMap(namesOf);
  const wanted = chosen?.['name'];
  if (typeof wanted === 'string' && !given.includes(wanted)) {
    findings.add('tool_choice.function.name', 'must be the name of one of the tools given');
  }
}

/**
 * The tools that run elsewhere, as a token's `tools` must name them; every one that either spelling gives. One that
 * says which app it runs in is named with it: `name@app`.
 */
export function remoteToolsIn(body: JsonObject): readonly string[] {
  return toolsOf(body)
    .filter((tool) => tool['type'] !== 'function')
    .flatMap((tool) => {
      const app = targetAppOf(tool);
      return namesOf(tool).map((each) => (app === null ? each : `${each}@${app}`));
    });
}

function toolsOf(body: JsonObject): readonly JsonObject[] {
  const { tools } = body;
  return Array.isArray(tools) ? tools.filter(isJsonObject) : [];
}

/** `name` as the agents article has it, `function.name` as the chat article does. */
function namesOf(tool: JsonObject): readonly string[] {
  const inFunction = isJsonObject(tool['function']) ? tool['function']['name'] : null;
  return [tool['name'], inFunction].filter(
    (found): found is string => typeof found === 'string' && found !== '',
  );
}
