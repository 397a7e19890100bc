import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import { documented, schemaOf } from '../documented.ts';
import {
  anything,
  nothing,
  optional,
  optionalText,
  requiredChoice,
  requiredText,
  requiredTextOf,
} from '../fields.ts';
import { joinPath } from '../findings.ts';
import { choiceKey, type DeclaredTool, keysOf } from './declared-tools.ts';
import { type ToolFindings, unsupportedType } from './tools.ts';

const modes = ['none', 'auto', 'required'];
const choiceFields = documented({
  type: requiredText,
  name: anything,
  namespace: optionalText,
  mode: anything,
  tools: anything,
  function: nothing('belongs to chat completions; write name beside type'),
});
const name = requiredTextOf(1, 256);
const chosenTool = documented({ name });
const allowedFields = documented({ mode: optional(requiredChoice(modes)) });
const allowedTool = documented({
  type: requiredChoice(['function', 'custom']),
  name,
  namespace: optionalText,
});
const allowedList = { level: allowedTool, min: 1, max: 512, of: 'tools' };

/** What `checkToolChoice` checks, for the API's description. */
export const toolChoiceSchema = z
  .union([
    z.enum(modes),
    z.looseObject({ type: z.enum(['function', 'custom']), name, namespace: optionalText }),
    z.looseObject({
      type: z.literal('allowed_tools'),
      mode: z.enum(modes).nullish(),
      tools: z.array(schemaOf(allowedTool)).min(allowedList.min).max(allowedList.max),
    }),
  ])
  .nullish();

/** Checks `tool_choice`: a mode, one of the tools, or some of them. */
export function checkToolChoice(
  choice: JsonValue | undefined,
  tools: readonly DeclaredTool[],
  { findings, unsupported }: ToolFindings,
): void {
  if (choice === undefined || choice === null) return;
  if (!isJsonObject(choice)) {
    if (typeof choice !== 'string' || !modes.includes(choice)) {
      findings.add('tool_choice', `must be one of ${modes.join(', ')}, or {type, name}`);
    } else if (choice === 'required' && tools.length === 0) {
      findings.add('tool_choice', 'must not be required, as there are no tools');
    }
    return;
  }
  findings.fields(choiceFields, choice, 'tool_choice');
  const keys = new Set(tools.flatMap(keysOf));
  const checkName = (object: JsonObject, path: string): void => {
    const wanted = object['name'];
    if (typeof wanted !== 'string' || wanted === '' || keys.has(choiceKey(object))) return;
    findings.add(joinPath(path, 'name'), 'must be the name of one of the tools given');
  };
  switch (choice['type']) {
    case 'function':
    case 'custom':
      findings.fields(chosenTool, choice, 'tool_choice');
      checkName(choice, 'tool_choice');
      return;
    case 'allowed_tools':
      findings.fields(allowedFields, choice, 'tool_choice');
      findings.objects(allowedList, choice['tools'], 'tool_choice.tools', checkName);
      return;
    default:
      if (typeof choice['type'] === 'string') unsupported.add('tool_choice.type', unsupportedType);
  }
}
