import { isJsonObject, type JsonObject, type JsonValue, parsedJson } from '../base/request.ts';
import { invalidBody, Refusal, type Problem } from '../base/refusal.ts';
import { storedTime } from '../base/fields.ts';
import { documentVersion, shortened } from './document.ts';
import { sections } from './sections.ts';

/** Deeper than any valid document. Anything nested deeper is refused. */
const maxDepth = 16;
const maxUnknown = 50;
const envelope = ['tollgate_export', 'exported_at', 'store'];

/** The text as a JSON object of this version with the problems of its envelope, or a refusal. Pure. */
export function parseEnvelope(text: string): { value: JsonObject; problems: Problem[] } | Refusal {
  const value = parsedJson(text) as JsonValue | undefined; // of JSON
  if (!isJsonObject(value))
    return new Refusal('invalid_json', 'The document must be a JSON object in UTF-8.');
  if (value['tollgate_export'] !== documentVersion) {
    const message = `tollgate_export must be ${documentVersion}: this is no export of Tollgate, or one of another version.`;
    return new Refusal('invalid_body', message, { param: 'tollgate_export' });
  }
  const untakeable = firstUntakeable(value);
  if (untakeable) return invalidBody([untakeable]);
  return { value, problems: envelopeProblems(value) };
}

function envelopeProblems(value: JsonObject): Problem[] {
  const known = new Set([...envelope, ...sections.map(({ name }) => name)]);
  const unknown = Object.keys(value)
    .filter((key) => !known.has(key))
    .slice(0, maxUnknown);
  const problems = unknown.map((key) => {
    const param = shortened(key);
    const message = `${param} is not a section known here: a newer version wrote it, so import it with that one.`;
    return { param, message };
  });
  const { exported_at: at, store = null } = value;
  if (!storedTime.safeParse(at).success) {
    problems.push({ param: 'exported_at', message: 'exported_at must be an RFC 3339 time in UTC.' });
  }
  if (store !== null && (typeof store !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(store))) {
    problems.push({ param: 'store', message: 'store must be 1 to 64 of A-Z, a-z, 0-9, - and _.' });
  }
  return problems;
}

/**
 * The first thing that makes a document unreadable: a key `__proto__`, which objects drop silently, or nesting that is
 * too deep to walk through.
 */
function firstUntakeable(value: JsonObject): Problem | null {
  const path = untakeablePath(value, 0);
  if (path === null) return null;
  const param = shortened(path.join('.'));
  const why = path.at(-1) === '__proto__' ? 'is not a field known here' : 'is nested too deeply';
  return { param, message: `${param} ${why}.` };
}

function untakeablePath(value: JsonValue, depth: number): string[] | null {
  if (!Array.isArray(value) && !isJsonObject(value)) return null;
  if (depth > maxDepth) return [];
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) {
      const path = untakeablePath(inner, depth + 1);
      if (path) return [String(index), ...path];
    }
    return null;
  }
  for (const key of Object.keys(value)) {
    const path = key === '__proto__' ? [] : untakeablePath(value[key] ?? null, depth + 1);
    if (path) return [key, ...path];
  }
  return null;
}
