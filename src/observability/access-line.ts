import { figures, type Figures } from '../base/figures.ts';
import type { Outcome } from '../base/outcome.ts';

/**
 * The log line of one request. Explicit fields only: no request, response or header is ever passed in, so no prompt,
 * token or key can be logged.
 */
export interface AccessLine {
  request_id: string;
  method: string;
  /** Without the query string. */
  path: string;
  status: number;
  outcome: Outcome | 'refused';
  error_code: string | null;
  team: string | null;
  user: string | null;
  token_id: string | null;
  model: string | null;
  /** If another model answered instead. */
  model_requested: string | null;
  stream: boolean;
  duration_ms: number;
  ttfb_ms: number | null;
  figures: Figures;
  /** The attachment's name. */
  upstream: string | null;
  /** The limit that refused it, such as `token requests/minute`; absent if none did. */
  limit?: string | null;
}

const maxMethod = 32;
const maxPath = 400;
const maxText = 128;
const maxRequestId = 200;

/** Each figure with the text before its value in the line. */
const figureKeys = figures.map(({ field, name }) => ({ field, key: `,"${name}":` }));

/**
 * The fields of the line in JSON, without braces. Texts that a caller chose are cleaned, and every text is cut: even with
 * six bytes for each character, the cuts add up to less than 10 kB.
 */
export function accessFields(line: AccessLine, redact: (text: string) => string): string {
  const fixed = JSON.stringify({
    request_id: cut(redact(line.request_id), maxRequestId),
    method: cut(line.method, maxMethod),
    path: cut(redact(withoutQuery(line.path)), maxPath),
    status: line.status,
    outcome: line.outcome,
    error_code: cutOrNull(line.error_code),
    team: cutOrNull(line.team),
    user: cutOrNull(line.user),
    token_id: cutOrNull(line.token_id),
    model: redactedOrNull(line.model, redact),
    model_requested: redactedOrNull(line.model_requested, redact),
    stream: line.stream,
    duration_ms: line.duration_ms,
    ttfb_ms: line.ttfb_ms,
  });
  let text = fixed.slice(1, -1);
  // Written apart: adding them to the object by name costs more than all of its other fields.
  for (const { field, key } of figureKeys) text += key + line.figures[field];
  text += `,"upstream":${JSON.stringify(cutOrNull(line.upstream))}`;
  return line.limit ? `${text},"limit":${JSON.stringify(cut(line.limit, maxText))}` : text;
}

function withoutQuery(path: string): string {
  const mark = path.indexOf('?');
  return mark < 0 ? path : path.slice(0, mark);
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? text.slice(0, maxLength) : text;
}

function cutOrNull(text: string | null): string | null {
  return text === null ? null : cut(text, maxText);
}

function redactedOrNull(text: string | null, redact: (text: string) => string): string | null {
  return text === null ? null : cut(redact(text), maxText);
}
