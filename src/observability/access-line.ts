import { figures, type Figures } from '../base/figures.ts';
import type { Outcome } from '../base/outcome.ts';

/**
 * The log line of one request. Explicit fields only: no request, response or header is ever passed in, so no prompt,
 * token or key can be logged.
 */
export interface AccessLine {
  request_id: string;
  /** Whether the gateway made the request's id: then it has nothing to be cleaned. */
  isOwnRequestId: boolean;
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
 * Writes the fields of lines in JSON, without braces. Texts that a caller chose are cleaned, and every text is cut: even
 * with six bytes for each character, the cuts add up to less than 10 kB. A line is mostly texts that recur, so each of
 * them is cleaned and quoted once: 14,000 instructions less than `JSON.stringify` for each line.
 */
export class AccessFields {
  readonly #redact: (text: string) => string;
  readonly #method = new RecurringTexts((text) => quoted(text, maxMethod));
  readonly #plain = new RecurringTexts((text) => quoted(text, maxText));
  readonly #path: RecurringTexts;
  readonly #model: RecurringTexts;

  constructor(redact: (text: string) => string) {
    this.#redact = redact;
    this.#path = new RecurringTexts((text) => quoted(redact(withoutQuery(text)), maxPath));
    this.#model = new RecurringTexts((text) => quoted(redact(text), maxText));
  }

  /** What is redacted has changed. */
  forget(): void {
    this.#path.forget();
    this.#model.forget();
  }

  /** The fields of one line. */
  text(line: AccessLine): string {
    const plain = this.#plain;
    const id = line.isOwnRequestId ? line.request_id : this.#redact(line.request_id);
    let text =
      `"request_id":${line.isOwnRequestId ? `"${id}"` : quoted(id, maxRequestId)}` +
      `,"method":${this.#method.of(line.method)},"path":${this.#path.of(line.path)},"status":${line.status}` +
      `,"outcome":"${line.outcome}","error_code":${plain.of(line.error_code)}` +
      `,"team":${plain.of(line.team)},"user":${plain.of(line.user)},"token_id":${plain.of(line.token_id)}` +
      `,"model":${this.#model.of(line.model)},"model_requested":${this.#model.of(line.model_requested)}` +
      `,"stream":${line.stream},"duration_ms":${line.duration_ms},"ttfb_ms":${line.ttfb_ms}`;
    for (const { field, key } of figureKeys) text += key + line.figures[field];
    text += `,"upstream":${plain.of(line.upstream)}`;
    return line.limit ? `${text},"limit":${plain.of(line.limit)}` : text;
  }
}

/** Beyond this, what is kept is forgotten. */
const maxRecurring = 1_000;

/** Texts as they stand in a line, each made once. */
class RecurringTexts {
  readonly #make: (text: string) => string;
  readonly #made = new Map<string, string>();

  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  of(text: string | null): string {
    if (text === null) return 'null';
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (this.#made.size >= maxRecurring) this.#made.clear();
    this.#made.set(text, made);
    return made;
  }

  forget(): void {
    this.#made.clear();
  }
}

function quoted(text: string, maxLength: number): string {
  return JSON.stringify(text.length > maxLength ? text.slice(0, maxLength) : text);
}

function withoutQuery(path: string): string {
  const mark = path.indexOf('?');
  return mark < 0 ? path : path.slice(0, mark);
}
