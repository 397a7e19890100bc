import { isDeepStrictEqual } from 'node:util';
import { invalidBody, type Problem, Refusal } from '../base/refusal.ts';
import {
  type Conversation,
  type Endpoint,
  type JsonObject,
  type JsonValue,
  plainNumbers,
} from '../base/request.ts';
import type { Pinned } from '../identity/records/session.ts';

/*
 * Pinned requests: fields that a session fixes in every request. Fields are compared by their exact names. A field that
 * is neither pinned nor allowed is refused, so no other spelling gets through.
 */

/** Roles that a page may use. `tool` answers a call of a tool that the session pins or allows. */
const openRoles: readonly string[] = ['user', 'assistant'];

/** One more than an answer lists. */
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
      if (!isSame(value, fields[pinnedAs] ?? null)) problems.push(fixed(key));
    } else if (allow.includes(key)) sent[key] = value;
    else problems.push(notOpen(key, allow));
  }
  const { conversation } = endpoint;
  const said = conversation && sent[conversation.field];
  if (conversation === undefined || said === undefined) {
    return problems.length > 0 ? invalidBody(problems, 'field_not_allowed') : { ...sent, ...fields };
  }
  problems.push(...speakerProblems(conversation, said, rolesOf(endpoint, { fields, allow })));
  if (problems.length > 0) return invalidBody(problems, 'field_not_allowed');
  const whole = joined(conversation, fields[conversation.field], said);
  return { ...sent, ...fields, [conversation.field]: whole };
}

interface PinnedChecks {
  /** Names of the `heroku_tool` and `mcp` tools the session may run. */
  tools: readonly string[];
  /** The catalogue's bound for a model, or null. */
  maxOutputTokens: (model: string) => number | null;
}

/** The problems of a request to pin, each `param` beginning with `pinned.`. Pure. */
export function pinnedProblems(
  endpoint: Endpoint,
  { fields, allow }: Pick<Pinned, 'fields' | 'allow'>,
  { tools, maxOutputTokens }: PinnedChecks,
): Problem[] {
  const problems: Problem[] = [];
  for (const [index, name] of allow.entries()) {
    const pinnedAs = nameAmong(endpoint, fields, name);
    // What is pinned of a conversation comes before what is sent; no other field can be both.
    if (pinnedAs === null || (name === pinnedAs && name === endpoint.conversation?.field)) continue;
    problems.push(problem(`allow.${index}`, `names ${pinnedAs}, which is pinned; leave one of them out`));
  }
  for (const name of Object.keys(endpoint.minimalBody)) {
    if (name in fields || allow.includes(name)) continue;
    problems.push(problem(name, 'is required, unless allow names it: no request could have it'));
  }
  const verdict = endpoint.validate(smallest(endpoint, fields), maxOutputTokens);
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

/** The smallest body that a session with these fields sends. */
function smallest({ minimalBody, conversation }: Endpoint, fields: JsonObject): JsonObject {
  const whole = { ...minimalBody, ...fields };
  if (conversation === undefined || fields[conversation.field] === undefined) return whole;
  const { field } = conversation;
  return { ...whole, [field]: joined(conversation, fields[field], minimalBody[field] ?? []) };
}

/** A refusal of a filled body, with messages or items numbered as the holder of the session sent them. Pure. */
export function asSent(
  { conversation }: Endpoint,
  refusal: Refusal,
  { fields }: Pick<Pinned, 'fields'>,
): Refusal {
  const problems = refusal.details.problems ?? [];
  if (conversation === undefined || problems.length === 0) return refusal;
  const { field, entries } = conversation;
  const before = entries(fields[field] ?? null)?.length ?? 0;
  if (before === 0) return refusal;
  const numbered = new RegExp(String.raw`\b${field}\.(\d+)`, 'g');
  const renumbered = (text: string): string =>
    text.replace(numbered, (_, index) => `${field}.${Math.max(0, Number(index) - before)}`);
  return invalidBody(
    problems.map(({ param, message }) => ({ param: renumbered(param), message: renumbered(message) })),
    refusal.code,
  );
}

/** As far as doubles tell: 1.0 is 1. What is sent on is the pinned value anyway. */
function isSame(sent: JsonValue, pinned: JsonValue): boolean {
  return isDeepStrictEqual(plainNumbers(sent), plainNumbers(pinned));
}

/** The pinned name of a field; null if it is not pinned. */
function nameAmong(endpoint: Endpoint, fields: JsonObject, key: string): string | null {
  if (Object.hasOwn(fields, key)) return key;
  const names = endpoint.fieldAliases.find((group) => group.includes(key)) ?? [];
  return names.find((name) => Object.hasOwn(fields, name)) ?? null;
}

function rolesOf(endpoint: Endpoint, { fields, allow }: Pick<Pinned, 'fields' | 'allow'>): readonly string[] {
  const withTools = allow.includes('tools') || nameAmong(endpoint, fields, 'tools') !== null;
  return withTools ? [...openRoles, 'tool'] : openRoles;
}

/** Leaves what validation will refuse to it. */
function speakerProblems(
  { field, entries, speaker }: Conversation,
  said: JsonValue,
  roles: readonly string[],
): Problem[] {
  const problems: Problem[] = [];
  for (const [index, entry] of (entries(said) ?? []).entries()) {
    const spoken = speaker(entry);
    if (spoken === null || roles.includes(spoken.role)) continue;
    const param = `${field}.${index}.${spoken.field}`;
    const message =
      spoken.field === 'role'
        ? `${param} must be one of ${roles.join(', ')} in this session.`
        : `${param} must not be that of a tool in this session, which has none.`;
    problems.push({ param, message });
    if (problems.length > maxProblems) break;
  }
  return problems;
}

/** What is pinned, and then what is sent; just the latter if either is no list, which validation will refuse. */
function joined({ entries }: Conversation, pinned: JsonValue | undefined, then: JsonValue): JsonValue {
  const before = pinned === undefined ? null : entries(pinned);
  const after = entries(then);
  return before === null || after === null ? then : [...before, ...after];
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

/** A field's name is the caller's text, so it is cut. */
function shortened(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}
