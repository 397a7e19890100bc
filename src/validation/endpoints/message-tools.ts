import { z } from 'zod';
import { type JsonObject, isJsonObject } from '../../base/request.ts';
import { schemaOf, documented, objectsIn, textIn } from '../documented.ts';
import {
  anything,
  optionalFlag,
  optionalObject,
  optionalText,
  requiredChoice,
  requiredObject,
  requiredTextOf,
  optional,
} from '../fields.ts';
import type { Findings } from '../findings.ts';
import { grantsFor, isCallersTool } from './remote-tools.ts';

const name = requiredTextOf(1, 256);

const anyTool = documented({
  type: optionalText,
  name: optional(name),
  description: optionalText,
  input_schema: optionalObject,
  cache_control: anything,
  mcp_server_name: optionalText,
});
/** As many as Anthropic's tool search looks through. */
const toolList = { level: anyTool, max: 10_000, of: 'tools' };
/** A function of the caller's: `type` is `custom` or left out. The upstream checks any other tool. */
const ownTool = documented({ name, input_schema: requiredObject });
const serverFields = documented({
  type: optionalText,
  url: requiredTextOf(1, 2_048),
  name,
  authorization_token: optionalText,
  tool_configuration: optionalObject,
});
const serverList = { level: serverFields, max: 64, of: 'servers' };
const choiceFields = documented({
  type: requiredChoice(['auto', 'any', 'tool', 'none']),
  name: optional(name),
  disable_parallel_tool_use: optionalFlag,
});

/* What the functions below check, for the API's description. */

const ownToolSchema = schemaOf(anyTool, {
  type: z.literal('custom').nullish(),
  name,
  input_schema: requiredObject,
});
const remoteToolSchema = schemaOf(anyTool, { type: z.string().regex(/^(?!custom$)/) });
export const toolsSchema = z
  .array(z.union([ownToolSchema, remoteToolSchema]))
  .max(toolList.max)
  .nullish();
export const serversSchema = z.array(schemaOf(serverFields)).max(serverList.max).nullish();
export const choiceSchema = schemaOf(choiceFields).nullish();

/** Checks `tools`, `mcp_servers` and `tool_choice`. What is inside `input_schema` is not checked. */
export function checkMessageTools(body: JsonObject, findings: Findings): void {
  findings.objects(toolList, body['tools'], 'tools', (tool, path) => {
    if (isOwn(tool)) findings.fields(ownTool, tool, path);
  });
  findings.objects(serverList, body['mcp_servers'], 'mcp_servers');
  const choice = findings.optionalObject(choiceFields, body['tool_choice'], 'tool_choice');
  if (choice?.['type'] !== 'tool') return;
  const wanted = choice['name'];
  const given = objectsIn(body, 'tools');
  // The tools of a server elsewhere are not listed here.
  const isKnown = given.some((tool) => tool['name'] === wanted) || !given.every(isOwn);
  if (typeof wanted === 'string' && (isKnown || objectsIn(body, 'mcp_servers').length > 0)) return;
  findings.add('tool_choice.name', 'must be the name of one of the tools given');
}

/**
 * What a token's `tools` must name for what runs elsewhere: a server by its URL, since the caller chooses its name; a
 * tool by its type and name. A toolset brings the tools of a server, so that it needs no grant beside that server's.
 */
export function remoteMessageToolsIn(body: JsonObject): readonly string[] {
  const servers = objectsIn(body, 'mcp_servers');
  const serverNames = new Set(servers.map((server) => textIn(server, 'name')));
  const tools = [...objectsIn(body, 'tools'), ...toolsAddedIn(body)]
    .filter((tool) => !isCallersTool(tool))
    .filter((tool) => !isToolset(tool) || !serverNames.has(textIn(tool, 'mcp_server_name')))
    .flatMap((tool) => (isToolset(tool) ? [textIn(tool, 'mcp_server_name')] : grantsFor(tool)));
  return [...servers.map((server) => textIn(server, 'url')), ...tools];
}

function isToolset({ type }: JsonObject): boolean {
  return type === 'mcp_toolset';
}

/** Anthropic lets messages define tools too, in blocks of the type `tool_addition` (SDK 1.11, inline tools). */
function toolsAddedIn(body: JsonObject): readonly JsonObject[] {
  return objectsIn(body, 'messages').flatMap((message) =>
    objectsIn(message, 'content').flatMap(({ type, tool }) => {
      const definition = type === 'tool_addition' && isJsonObject(tool) ? tool['definition'] : undefined;
      return isJsonObject(definition) ? [definition] : [];
    }),
  );
}

function isOwn({ type }: JsonObject): boolean {
  return type === undefined || type === null || type === 'custom';
}
