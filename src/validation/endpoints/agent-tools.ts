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
} from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';

/** How Heroku names apps (Platform API, "app name"). */
const appName = requiredMatch(/^[a-z][a-z0-9-]{1,28}[a-z0-9]$/, 'the name of a Heroku app');

/** Dev Center, heroku-inference-api-v1-agents-heroku, "runtime_params". */
const runtimeFields = documented({
  target_app_name: appName.nullish(),
  dyno_size: optionalText,
  ttl_seconds: optionalInteger(1),
  max_calls: optionalInteger(1),
  tool_params: optionalObject,
});

export const runtimeParamsSchema = schemaOf(runtimeFields).nullish();

/** Checks what a tool is run with; what is inside `tool_params` is the tool's. */
export function checkRuntimeParams(tool: JsonObject, path: string, findings: Findings): JsonObject | null {
  return findings.optionalObject(runtimeFields, tool['runtime_params'], joinPath(path, 'runtime_params'));
}

/** The app that a tool runs in; null where it names none. */
export function targetAppOf(tool: JsonObject): string | null {
  const params = tool['runtime_params'];
  const app = isJsonObject(params) ? params['target_app_name'] : null;
  return typeof app === 'string' ? app : null;
}

const maxTools = 128;
/** How often one tool is reckoned to be called where the body does not say (`max_calls`). */
const usualCalls = 3;
/** Inferences that are reserved for at most; what an agent uses beyond is charged all the same. */
const mostInferences = 10;

const toolFields = documented({
  type: requiredChoice(['heroku_tool', 'mcp']),
  // No @: in a token's `tools` it stands between a tool and its app.
  name: requiredMatch(/^[A-Za-z0-9._:/-]{1,128}$/, 'the name of a tool: 1 to 128 of A-Z a-z 0-9 . _ : / -'),
  description: optionalText,
  runtime_params: anything,
});

export const agentToolsSchema = z
  .array(schemaOf(toolFields, { runtime_params: runtimeParamsSchema }))
  .max(maxTools)
  .nullish();

/** Checks `tools`; gives how many inferences to reserve for: one, and one for each call that a tool may get. */
export function checkAgentTools(body: JsonObject, findings: Findings): number {
  let inferences = 1;
  const tools = findings.list(body['tools'], 'tools', { max: maxTools, of: 'tools' }) ?? [];
  for (const [index, item] of tools.entries()) {
    if (findings.full) break;
    const path = `tools.${index}`;
    const tool = findings.object(toolFields, item, path);
    if (!tool) continue;
    const params = checkRuntimeParams(tool, path, findings);
    inferences += (params && numberIn(params, 'max_calls')) ?? usualCalls;
    // As chat spells it: the upstream reads `name` here, and a second one would only hide what runs.
    if ('function' in tool) findings.add(joinPath(path, 'function'), 'has no place here; give name and type');
  }
  return Math.min(mostInferences, inferences);
}
