import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { fieldList } from './field-list.ts';
import { plain } from './cells.ts';
import type { Column } from './column.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import type { Connection } from './connection.ts';
import { fittedTable } from './fitted-table.ts';
import { WaitBudget, printStream } from './print-stream.ts';
import { failureOf } from './refused.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Puts a question to a person, or rejects with `CommandFailed`; absent where nobody is there. */
  ask?: (question: string) => Promise<string>;
}

export interface CliOptions {
  send: Connection['send'];
  terminal: Terminal;
  json: () => boolean;
}

/** An act that cannot be taken back. */
export interface Confirmation {
  /** Said on the command line: nobody is asked. */
  yes: boolean | undefined;
  /** Where nobody can be asked it is done all the same. */
  unasked?: 'done';
  /** What will be lost. Told before the question, and found out only for it. */
  loss: () => Promise<string> | string;
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
  async call(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject | null> {
    const response = await this.#send(path, {
      method,
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return response.status === 204 ? null : answerOf(response);
  }

  /** A record, and the state it is in: what a change that rests on this reading names in `If-Match`. */
  async look(path: string): Promise<{ record: JsonObject; etag: string | null }> {
    const response = await this.#send(path, { method: 'GET' });
    return { record: await answerOf(response), etag: response.headers.get('etag') };
  }

  /** The rows of a list. */
  async rows(path: string): Promise<JsonObject[]> {
    return rowsIn(await this.call('GET', path));
  }

  /** Goes on where the person at the terminal agrees, or `--yes` has said so. Rejects with `CommandFailed` otherwise. */
  async confirm({ yes = false, unasked, loss }: Confirmation): Promise<void> {
    if (yes) return;
    const { ask } = this.#terminal;
    if (!ask) {
      if (unasked === 'done') return;
      throw new CommandFailed(
        'This cannot be taken back, and nobody can be asked here: add --yes.',
        exitCodes.misused,
      );
    }
    const answer = await ask(`${await loss()}\nThis cannot be taken back. Go on? Type yes: `);
    if (answer.trim() !== 'yes') throw new CommandFailed('Nothing was changed.');
  }

  /** One record, field by field. */
  printRecord(record: JsonObject | null): void {
    if (record) this.printDone(record, fieldList(record));
  }

  /** What was done: in words for people, as a value for programs. */
  printDone(value: JsonObject, words: string): void {
    if (this.#json()) this.#printJson(value);
    else this.#terminal.out(words);
  }

  /** Prints an answer as it comes, however long it is. Rejects with `CommandFailed` on every error. */
  async printAsItComes(path: string, format: string): Promise<void> {
    if (this.#json() && format !== 'ndjson') {
      throw new CommandFailed(`--json and --format ${format} exclude each other.`, exitCodes.misused);
    }
    const patience = new WaitBudget();
    patience.renew();
    try {
      const response = await this.#send(path, { method: 'GET', signal: patience.signal });
      if (!response.ok) throw await failureOf(response);
      await printStream(response.body, (text) => this.#terminal.out(text), patience);
      const next = response.headers.get('x-next-cursor');
      if (next !== null) this.#terminal.err(`There is more: add --cursor ${plain(next)}`);
    } finally {
      patience.end();
    }
  }

  /** The `data` of a list, as a table. */
  printList(answer: JsonObject | null, columns: readonly Column[]): void {
    if (answer) this.printDone(answer, fittedTable(columns, rowsIn(answer)));
  }

  /** A word beside the output, for people only. */
  note(text: string): void {
    if (!this.#json()) this.#terminal.err(text);
  }

  #printJson(answer: JsonObject): void {
    this.#terminal.out(JSON.stringify(answer, null, 2));
  }
}

async function answerOf(response: Response): Promise<JsonObject> {
  if (!response.ok) throw await failureOf(response);
  const value: unknown = await response.json().catch(() => null);
  if (isJsonObject(value as JsonValue)) return value as JsonObject; // of JSON
  throw await failureOf(response);
}

function rowsIn(answer: JsonObject | null): JsonObject[] {
  const rows = answer?.['data'];
  return Array.isArray(rows) ? rows.filter(isJsonObject) : [];
}
