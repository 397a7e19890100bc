import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text. */
  arguments: string;
}

/** The call a user's message leads to: of the tool that `tool_choice` names, else of the first; null without tools. */
export function toolCallFor(body: JsonObject): ToolCall | null {
  const { tools, tool_choice: choice } = body;
  if (!Array.isArray(tools) || choice === 'none') return null;
  const functions = tools.map((tool) => objectAt(tool, 'function')).filter((each) => each !== null);
  const wanted = objectAt(choice, 'function')?.['name'];
  const chosen = functions.find((each) => each['name'] === wanted) ?? functions[0];
  const name = chosen?.['name'];
  if (typeof name !== 'string') return null;
  return { id: `call_${name}_1`, name, arguments: JSON.stringify(exampleOf(chosen?.['parameters'])) };
}

/** A value that fits a JSON schema, as far as the stand-in understands it. */
function exampleOf(schema: JsonValue | undefined): JsonValue {
  const properties = objectAt(schema, 'properties');
  if (properties !== null) {
    return Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, exampleOf(each)]));
  }
  if (!isJsonObject(schema)) return {};
  const { enum: choices, type } = schema;
  if (Array.isArray(choices) && choices[0] !== undefined) return choices[0];
  if (type === 'string') return 'example';
  if (type === 'number' || type === 'integer') return 1;
  if (type === 'boolean') return true;
  return type === 'array' ? [] : {};
}

function objectAt(value: JsonValue | undefined, name: string): JsonObject | null {
  const inner = isJsonObject(value) ? value[name] : null;
  return isJsonObject(inner) ? inner : null;
}
