import { isDeepStrictEqual } from 'node:util';
import { invalidBody, type Problem, Refusal } from '../base/refusal.ts';
import { type Endpoint, type JsonObject, type JsonValue, isJsonObject } from '../base/request.ts';
import type { Pinned } from '../identity/records/session.ts';

/*
 * Pinned requests: what a session says in every request, whatever its holder sends. Fields are compared by their
 * exact names; of what is neither pinned nor allowed nothing goes through, so no other spelling does either.
 */

/** Roles that a page speaks in. `tool` answers a call of a tool that the session pins or allows. */
const openRoles: readonly string[] = ['user', 'assistant'];

/** One more than an answer tells. */
const maxProblems = 50;

/** The body with the pinned fields filled in, or a 403 that names every field that may not be sent. Pure. */
export function fillPinned(
  endpoint: Endpoint,
  { fields, allow }: Pick<Pinned, 'fields' | 'allow'>,
  body: JsonObject,
): JsonObject | Refusal {
  const problems: Problem[] = [];
  const sent: JsonObject = {};
  for (const [key, value] of Object.entries(body)) {
    if (problems.length > maxProblems) break;
    const pinnedAs = allow.includes(key) ? null : nameAmong(endpoint, fields, key);
    if (pinnedAs !== null) {
      if (!isDeepStrictEqual(value, fields[pinnedAs])) problems.push(fixed(key));
    } else if (allow.includes(key)) sent[key] = value;
    else problems.push(notOpen(key, allow));
  }
  const { messages } = sent;
  if (messages !== undefined) problems.push(...roleProblems(messages, rolesOf(endpoint, { fields, allow })));
  if (problems.length > 0) return refused(problems);
  const filled = { ...sent, ...fields };
  if (messages !== undefined) filled['messages'] = joined(fields['messages'], messages);
  return filled;
}

export interface PinnedChecks {
  /** Names of the `heroku_tool` and `mcp` tools the session may run. */
  tools: readonly string[];
  /** The catalogue's bound for a model, or null. */
  maxOutputTokens: (model: string) => number | null;
}

/** What is wrong with a request that is to be pinned, `param` beginning with `pinned.`; nothing where it is fine. Pure. */
export function pinnedProblems(
  endpoint: Endpoint,
  { fields, allow }: Pick<Pinned, 'fields' | 'allow'>,
  { tools, maxOutputTokens }: PinnedChecks,
): Problem[] {
  const problems: Problem[] = [];
  for (const [index, name] of allow.entries()) {
    const pinnedAs = nameAmong(endpoint, fields, name);
    // Pinned messages stand before those sent; nothing else can be both.
    if (pinnedAs === null || (name === 'messages' && pinnedAs === 'messages')) continue;
    problems.push(problem(`allow.${index}`, `names ${pinnedAs}, which is pinned; leave one of them out`));
  }
  for (const name of Object.keys(endpoint.minimalBody)) {
    if (name in fields || allow.includes(name)) continue;
    problems.push(problem(name, 'is required, unless allow names it: no request could have it'));
  }
  const { messages } = fields;
  const whole = { ...endpoint.minimalBody, ...fields };
  if (Array.isArray(messages)) whole['messages'] = joined(messages, endpoint.minimalBody['messages'] ?? []);
  const verdict = endpoint.validate(whole, maxOutputTokens);
  if (verdict instanceof Refusal) {
    const found = verdict.details.problems ?? [];
    problems.push(
      ...found.map(({ param, message }) => ({ param: `pinned.${param}`, message: `pinned.${message}` })),
    );
  } else if (verdict.remoteTools.some((tool) => !tools.includes(tool))) {
    problems.push(problem('tools', 'names a tool that runs elsewhere, which tools does not name'));
  }
  return problems;
}

/** A refusal of a filled body, its messages numbered as the holder of the session sent them. Pure. */
export function asSent(refusal: Refusal, { fields }: Pick<Pinned, 'fields'>): Refusal {
  const before = Array.isArray(fields['messages']) ? fields['messages'].length : 0;
  const problems = refusal.details.problems ?? [];
  if (before === 0 || problems.length === 0) return refusal;
  const renumbered = (text: string): string =>
    text.replace(/^messages\.(\d+)/, (_, index) => `messages.${Math.max(0, Number(index) - before)}`);
  return invalidBody(
    problems.map(({ param, message }) => ({ param: renumbered(param), message: renumbered(message) })),
  );
}

/** The pinned name of what a key stands for; null where it is not pinned. */
function nameAmong(endpoint: Endpoint, fields: JsonObject, key: string): string | null {
  if (Object.hasOwn(fields, key)) return key;
  const names = endpoint.fieldAliases.find((group) => group.includes(key)) ?? [];
  return names.find((name) => Object.hasOwn(fields, name)) ?? null;
}

function rolesOf(endpoint: Endpoint, { fields, allow }: Pick<Pinned, 'fields' | 'allow'>): readonly string[] {
  const withTools = allow.includes('tools') || nameAmong(endpoint, fields, 'tools') !== null;
  return withTools ? [...openRoles, 'tool'] : openRoles;
}

/** Messages without a role that is a string are for validation to refuse. */
function roleProblems(messages: JsonValue, roles: readonly string[]): Problem[] {
  if (!Array.isArray(messages)) return [];
  const problems: Problem[] = [];
  for (const [index, message] of messages.entries()) {
    const role = isJsonObject(message) ? message['role'] : undefined;
    if (typeof role !== 'string' || roles.includes(role)) continue;
    const param = `messages.${index}.role`;
    problems.push({ param, message: `${param} must be one of ${roles.join(', ')} in this session.` });
    if (problems.length > maxProblems) break;
  }
  return problems;
}

function joined(first: JsonValue | undefined, then: JsonValue): JsonValue {
  return Array.isArray(first) && Array.isArray(then) ? [...first, ...then] : then;
}

function fixed(param: string): Problem {
  return { param: shortened(param), message: `${shortened(param)} is fixed by this session; leave it out.` };
}

function notOpen(param: string, allow: readonly string[]): Problem {
  const open = allow.length > 0 ? allow.join(', ') : 'nothing';
  return {
    param: shortened(param),
    message: `${shortened(param)} may not be sent in this session, only ${open}.`,
  };
}

function problem(path: string, expectation: string): Problem {
  return { param: `pinned.${path}`, message: `pinned.${path} ${expectation}.` };
}

/** A field's name is the caller's text: told, but not at any length. */
function shortened(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

function refused(problems: readonly Problem[]): Refusal {
  const [first] = problems;
  const rest = problems.length > 1 ? ` (and ${problems.length - 1} more, see error.details)` : '';
  return new Refusal('field_not_allowed', `${first?.message ?? ''}${rest}`, {
    param: first?.param,
    problems,
  });
}
