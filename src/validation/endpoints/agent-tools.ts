import { z } from 'zod';
import { type JsonObject, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented, numberIn } from '../documented.ts';
import {
  anything,
  optionalText,
  requiredChoice,
  requiredMatch,
  optionalInteger,
  optionalObject,
  optional,
} from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';

/** How Heroku names apps (Platform API, "app name"). */
const appName = requiredMatch(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, 'the name of a Heroku app');

/** Dev Center, heroku-inference-api-v1-agents-heroku, "runtime_params". */
const runtimeFields = documented({
  target_app_name: optional(appName),
  dyno_size: optionalText,
  ttl_seconds: optionalInteger(1),
  max_calls: optionalInteger(1),
  tool_params: optionalObject,
});

export const runtimeParamsSchema = schemaOf(runtimeFields).nullish();

/** Checks what a tool is run with, except for `tool_params`, which only the tool knows. */
export function checkRuntimeParams(tool: JsonObject, path: string, findings: Findings): JsonObject | null {
  return findings.optionalObject(runtimeFields, tool['runtime_params'], joinPath(path, 'runtime_params'));
}

/** The app that a tool runs in; null if it names none. */
export function targetAppOf(tool: JsonObject): string | null {
  const params = tool['runtime_params'];
  const app = isJsonObject(params) ? params['target_app_name'] : null;
  return typeof app === 'string' ? app : null;
}

/** How often one tool is expected to be called if the body does not say (`max_calls`). */
const usualCalls = 3;
/** The most inferences that are reserved. If an agent uses more, they are charged all the same. */
const maxInferences = 10;

const toolFields = documented({
  type: requiredChoice(['heroku_tool', 'mcp']),
  // No @: in a token's `tools` it separates a tool from its app.
  name: requiredMatch(/^[A-Za-z0-9._:/-]{1,128}$/, 'the name of a tool: 1 to 128 of A-Z a-z 0-9 . _ : / -'),
  description: optionalText,
  runtime_params: anything,
});
const toolList = { level: toolFields, max: 128, of: 'tools' };

export const agentToolsSchema = z
  .array(schemaOf(toolFields, { runtime_params: runtimeParamsSchema }))
  .max(toolList.max)
  .nullish();

/** Checks `tools`. Returns how many inferences to reserve: one, and one for each call that a tool may get. */
export function checkAgentTools(body: JsonObject, findings: Findings): number {
  let inferences = 1;
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => {
    const params = checkRuntimeParams(tool, path, findings);
    inferences += (params && numberIn(params, 'max_calls')) ?? usualCalls;
    // As in chat: the upstream reads `name` here, and a second one would only hide what runs.
    if ('function' in tool)
      findings.add(joinPath(path, 'function'), 'is not accepted here; give name and type instead');
  });
  return Math.min(maxInferences, inferences);
}
