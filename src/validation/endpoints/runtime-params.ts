import type { JsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { optionalInteger, optionalObject, optionalText, requiredMatch } from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import { isJsonObject } from '../../base/json.ts';

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
