import { z } from 'zod';
import type { JsonObject } from '../../base/request.ts';
import { schemaOf, documented } from '../documented.ts';
import { anything, optionalText, requiredChoice, requiredMatch } from '../fields.ts';
import { joinPath, type Findings } from '../findings.ts';
import { numberIn } from '../read-field.ts';
import { checkRuntimeParams, runtimeParamsSchema } from './runtime-params.ts';

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
