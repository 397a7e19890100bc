import { invalidBody, Refusal, type Problem } from '../core/refusal.ts';
import type { JsonObject, JsonValue } from '../core/request.ts';
import { documentVersion } from './document.ts';
import { sections } from './sections.ts';

/** Deeper than any document: what is nested further is not walked into. */
const maxDepth = 16;
const maxTextLength = 64;
const maxUnknown = 50;
const envelope = ['tollgate_export', 'exported_at', 'store'];

/** The text as a JSON object of this version, its envelope in order; else what is wrong. Pure. */
export function parseEnvelope(text: string): { value: JsonObject; problems: Problem[] } | Refusal {
  const value = parseJson(text);
  if (value === null) return new Refusal('invalid_json', 'The document must be a JSON object in UTF-8.');
  if (value['tollgate_export'] !== documentVersion) {
    const message = `tollgate_export must be ${documentVersion}: this is no export of Tollgate, or one of another version.`;
    return new Refusal('invalid_body', message, { param: 'tollgate_export' });
  }
  const untakeable = firstUntakeable(value);
  if (untakeable) return invalidBody([untakeable]);
  return { value, problems: envelopeProblems(value) };
}

function parseJson(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as JsonValue; // JSON.parse gives nothing else
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
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
  if (typeof at !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(at) || Number.isNaN(Date.parse(at))) {
    problems.push({ param: 'exported_at', message: 'exported_at must be an RFC 3339 time in UTC.' });
  }
  if (store !== null && (typeof store !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(store))) {
    problems.push({ param: 'store', message: 'store must be 1 to 64 of A-Z, a-z, 0-9, - and _.' });
  }
  return problems;
}

/**
 * What must not even be looked at: a key `__proto__`, which objects lose silently and with it what it was meant to
 * say, and what is nested too deeply to be walked through.
 */
function firstUntakeable(value: JsonValue, path = '', depth = 0): Problem | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > maxDepth) return { param: path, message: `${path} is nested too deeply.` };
  const under = (key: string): string => (path === '' ? shortened(key) : `${path}.${shortened(key)}`);
  if (Array.isArray(value)) {
    // Not by entries: a list may be as long as a document can be.
    for (let n = 0; n < value.length; n += 1) {
      const found = firstUntakeable(value[n] ?? null, under(String(n)), depth + 1);
      if (found) return found;
    }
    return null;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return { param: under(key), message: `${under(key)} is not a field known here.` };
    const found = firstUntakeable(value[key] ?? null, under(key), depth + 1);
    if (found) return found;
  }
  return null;
}

/** A key of someone's document, as far as it fits into a message. */
export function shortened(key: string): string {
  const tidy = key.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
  return tidy.length > maxTextLength ? `${tidy.slice(0, maxTextLength)}…` : tidy;
}
