import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { csvLine } from '../reports/report.ts';
import { plain } from './cells.ts';
import { CommandFailed, exitCodes, failureOf } from './command-failed.ts';
import { SilenceTimeout, printStream } from './print-stream.ts';
import { type Column, defaultWidth, fieldList, fittedTable } from './table.ts';

/** Narrower terminals wrap the lines themselves. */
const leastWidth = 40;

/** A way to an admin API: over HTTP, or one made in this process on the gateway's Redis. */
export interface Connection {
  send(path: string, init: RequestInit): Promise<Response>;
  close(): void;
}

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** How wide it is; absent if it is not known, as in a pipe. */
  columns?: number | undefined;
  /** Whether it shows colours, and is asked to: NO_COLOR is not set. */
  hasColours?: boolean;
  /** Asks a person, or rejects with `CommandFailed`. Absent if nobody is at the terminal. */
  ask?: (question: string) => Promise<string>;
}

/** An action that cannot be undone. */
interface Confirmation {
  /** `--yes` on the command line: nobody is asked. */
  yes: boolean | undefined;
  /** Go on if nobody can be asked. */
  unasked?: 'done' | undefined;
  /** What else can be done if nobody can be asked. */
  remedy?: string;
  /** What will be lost: printed before the question, and only looked up for it. */
  loss: () => Promise<string> | string;
}

/** The header of a change to a record that must be as it was seen; none if it was not. */
export function ifMatch(etag: string | null): Record<string, string> {
  return etag === null ? {} : { 'if-match': etag };
}

/** What every command does: call the admin API, and print the answer for people or for programs. */
export class Cli {
  readonly #send: Connection['send'];
  readonly #terminal: Terminal;
  readonly #json: () => boolean;

  constructor(options: { send: Connection['send']; terminal: Terminal; json: () => boolean }) {
    ({ send: this.#send, terminal: this.#terminal, json: this.#json } = options);
  }

  /** The API's answer; null for a 204. Rejects with `CommandFailed` on every error. */
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

  /** A record and its ETag: a change that depends on this state sends it as `If-Match`. */
  async look(path: string): Promise<{ record: JsonObject; etag: string | null }> {
    const response = await this.#send(path, { method: 'GET' });
    return { record: await answerOf(response), etag: response.headers.get('etag') };
  }

  /** The rows of a list. */
  async rows(path: string): Promise<JsonObject[]> {
    return rowsIn(await this.call('GET', path));
  }

  /** The rows of a page, and the cursor of the next one. */
  async page(path: string): Promise<{ rows: JsonObject[]; next: string | null }> {
    const answer = await this.call('GET', path);
    const next = answer?.['next_cursor'];
    return { rows: rowsIn(answer), next: typeof next === 'string' ? next : null };
  }

  /** Resolves if `--yes` was given or the person at the terminal agrees. Otherwise rejects with `CommandFailed`. */
  async confirm({ yes = false, unasked, remedy, loss }: Confirmation): Promise<void> {
    if (yes) return;
    const { ask } = this.#terminal;
    if (!ask) {
      if (unasked === 'done') return;
      throw new CommandFailed(
        ['This cannot be undone, and there is no terminal to ask on: add --yes.', remedy ?? []]
          .flat()
          .join('\n'),
        exitCodes.misused,
      );
    }
    const answer = await ask(`${await loss()}\nThis cannot be undone. Type yes to continue: `);
    if (answer.trim() !== 'yes') throw new CommandFailed('Nothing was changed.');
  }

  /** Calls the API and prints the record that it answers with. */
  async callAndPrint(method: string, path: string, body?: object): Promise<void> {
    this.printRecord(await this.call(method, path, body));
  }

  /** Gets rows and prints them: as a table, or as they arrive in a format that is not for people. */
  async printRows(path: string, columns: readonly Column[], format?: string): Promise<void> {
    if (format !== undefined) return this.#printAsTheyCome(path, format);
    await this.printPage(path, () => columns);
  }

  /** Gets a page and prints it as a table, whose columns may depend on its rows. */
  async printPage(
    path: string,
    columnsFor: (rows: readonly JsonObject[]) => readonly Column[] | Promise<readonly Column[]>,
  ): Promise<void> {
    const answer = await this.call('GET', path);
    const rows = rowsIn(answer);
    if (answer) this.printTable(answer, await columnsFor(rows), rows);
    const next = answer?.['next_cursor'];
    if (typeof next === 'string') this.note(moreRows(next));
  }

  /** One record, field by field. */
  printRecord(record: JsonObject | null): void {
    if (record === null) return;
    const { warnings = [], ...fields } = record;
    this.printDone(record, fieldList(fields, this.width));
    for (const warning of Array.isArray(warnings) ? warnings : []) {
      if (typeof warning === 'string') this.note(`Warning: ${warning}`);
    }
  }

  /** Rows: as a table for people, as JSON for programs. */
  printTable(value: JsonObject, columns: readonly Column[], rows: readonly JsonObject[]): void {
    this.printDone(value, fittedTable(columns, rows, this.width));
  }

  /** A text in a format that is not for people. */
  printText(text: string, format: string): void {
    this.#checkFormat(format);
    if (text !== '') this.#terminal.out(text.replace(/\n$/, ''));
  }

  /** Prints rows one by one as CSV, or all as JSON at the end. */
  rowPrinter(columns: readonly string[]): { row(cells: JsonObject): void; end(): void } {
    const rows: JsonObject[] = [];
    const line = (cells: readonly JsonValue[]): void => this.#terminal.out(csvLine(cells).trimEnd());
    return {
      row: (cells) => {
        if (!this.#json() && rows.length === 0) line(columns);
        rows.push(cells);
        if (!this.#json()) line(columns.map((column) => cells[column] ?? null));
      },
      end: () => {
        if (this.#json()) this.#terminal.out(JSON.stringify({ data: rows }, null, 2));
      },
    };
  }

  /** How many columns the terminal has. */
  get width(): number {
    return Math.max(leastWidth, this.#terminal.columns ?? defaultWidth);
  }

  /** The result: in words for people, as JSON for programs. */
  printDone(value: JsonObject, words: string): void {
    this.#terminal.out(this.#json() ? JSON.stringify(value, null, 2) : words);
  }

  /** A note on stderr, for people only. */
  note(text: string): void {
    if (!this.#json()) this.#terminal.err(text);
  }

  #checkFormat(format: string): void {
    if (!this.#json() || format === 'ndjson') return;
    throw new CommandFailed(`--json and --format ${format} cannot be used together.`, exitCodes.misused);
  }

  async #printAsTheyCome(path: string, format: string): Promise<void> {
    this.#checkFormat(format);
    const silence = new SilenceTimeout();
    silence.renew();
    try {
      const response = await this.#send(path, { method: 'GET', signal: silence.signal });
      if (!response.ok) throw await failureOf(response);
      await printStream(response.body, (text) => this.#terminal.out(text), silence);
      const next = response.headers.get('x-next-cursor');
      if (next !== null) this.#terminal.err(moreRows(next));
    } finally {
      silence.end();
    }
  }
}

function moreRows(cursor: string): string {
  return `There are more rows: add --cursor ${plain(cursor)}`;
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
