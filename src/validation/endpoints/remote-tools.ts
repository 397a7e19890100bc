import { type JsonObject, isJsonObject } from '../../base/request.ts';
import { textIn } from '../documented.ts';
import { targetAppOf } from './agent-tools.ts';

/*
 * Which tools run elsewhere, and what a token's `tools` must name for them. Any type that is not known to run at the
 * caller counts as one that does not.
 */

/** The tools of OpenAI that the caller runs, and those of Anthropic (platform.claude.com, "Tool reference"). */
const callersTypes =
  /^(?:function|custom|(?:bash|text_editor|memory|computer|computer_toolset|browser_toolset)_\d{8})$/;
const date = /_\d{8}$/;

/** Whether the caller runs a tool itself. In Anthropic's format the type of a plain function may be left out. */
export function isCallersTool({ type }: JsonObject): boolean {
  return type === undefined || type === null || (typeof type === 'string' && callersTypes.test(type));
}

/**
 * What must be granted for a tool that runs elsewhere: its type, less its date, and its name. Heroku's two types say
 * nothing about what runs, so theirs is the name alone. A tool that runs in a named app needs `name@app`.
 */
export function grantsFor(tool: JsonObject): readonly string[] {
  const type = textIn(tool, 'type');
  const app = targetAppOf(tool);
  const names = namesOf(tool).map((name) => (app === null ? name : `${name}@${app}`));
  const isOfHeroku = type === 'heroku_tool' || type === 'mcp';
  return isOfHeroku && names.length > 0 ? names : [...new Set([type.replace(date, ''), ...names])];
}

/** Both names, if there are two: `name` is the agents article's spelling, `function.name` the chat article's. */
export function namesOf(tool: JsonObject): readonly string[] {
  const inFunction = isJsonObject(tool['function']) ? tool['function']['name'] : null;
  return [tool['name'], inFunction].filter(
    (found): found is string => typeof found === 'string' && found !== '',
  );
}
