import type { JsonObject, JsonValue } from '../core/request.ts';
import { CommandFailed } from './command-failed.ts';
import { fieldList, plain } from './cells.ts';
import type { Connection } from './connection.ts';
import { Patience, printStream } from './print-stream.ts';
import { table, type Column } from './table.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Puts a question to a person; absent where nobody is there. */
  ask?: (question: string) => Promise<string>;
}

export interface CliOptions {
  send: Connection['send'];
  terminal: Terminal;
  json: () => boolean;
}

/** What every command does: ask the admin API, and print what it says for people or for programs. */
export class Cli {
  readonly #send: Connection['send'];
  readonly #terminal: Terminal;
  readonly #json: () => boolean;

  constructor({ send, terminal, json }: CliOptions) {
    this.#send = send;
    this.#terminal = terminal;
    this.#json = json;
  }

  /** The API's answer; null where it has none (204). Rejects with `CommandFailed` on every error. */
  async call(method: string, path: string, body?: object): Promise<JsonObject | null> {
    const response = await this.#send(path, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    });
    if (response.status === 204) return null;
    const answer = await jsonOf(response);
    if (!response.ok) throw new CommandFailed(errorText(answer, response.status));
    return answer;
  }

  /** One record, field by field, or a word of what was done. */
  printRecord(record: JsonObject | null, done = 'Done.'): void {
    if (this.#json()) return this.#printJson(record);
    this.#terminal.out(record ? fieldList(record) : done);
  }

  /** Prints an answer as it comes, however long it is. Rejects with `CommandFailed` on every error. */
  async printAsItComes(path: string): Promise<void> {
    const patience = new Patience();
    patience.renew();
    try {
      const response = await this.#send(path, { method: 'GET', signal: patience.signal });
      if (!response.ok) throw new CommandFailed(errorText(await jsonOf(response), response.status));
      await printStream(response.body, (text) => this.#terminal.out(text), patience);
      const next = response.headers.get('x-next-cursor');
      if (next !== null) this.#terminal.err(`There is more: add --cursor ${plain(next)}`);
    } finally {
      patience.end();
    }
  }

  /** The `data` of a list, as a table. */
  printList(answer: JsonObject | null, columns: readonly Column[], layout = table): void {
    if (this.#json()) return this.#printJson(answer);
    const rows = answer?.['data'];
    this.#terminal.out(layout(columns, Array.isArray(rows) ? rows.filter(isObject) : []));
  }

  /** A word beside the output, for people only. */
  note(text: string): void {
    if (!this.#json()) this.#terminal.err(text);
  }

  #printJson(answer: JsonObject | null): void {
    if (answer) this.#terminal.out(JSON.stringify(answer, null, 2));
  }
}

async function jsonOf(response: Response): Promise<JsonObject> {
  const value: unknown = await response.json().catch(() => null);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject; // of JSON
  throw new CommandFailed(`The answer (${response.status}) is not Tollgate's. Is TOLLGATE_URL right?`);
}

/** All that the API found wrong, a line each. */
function errorText(answer: JsonObject, status: number): string {
  const { error } = answer;
  if (!isObject(error) || typeof error['message'] !== 'string') return `The gateway answered ${status}.`;
  const { details } = error;
  const others = Array.isArray(details) ? details.filter(isObject) : [];
  return [error['message'], ...others.map(({ message }) => plain(message))].join('\n');
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
