import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { CommandFailed } from './command-failed.ts';

/** A document with a row a line: so that a person can read it, and a comparison shows what changed. */
export function documentText(document: JsonObject): string {
  const members = Object.entries(document).map(
    ([name, value]) => `${JSON.stringify(name)}: ${rowsText(value)}`,
  );
  return `{\n${members.join(',\n')}\n}`;
}

function rowsText(value: JsonValue): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n${value.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
}

/** Writes it whole or not at all, for its owner's eyes. Throws `CommandFailed`. */
export function writeDocumentFile(file: string, document: JsonObject): void {
  const part = `${file}.part`;
  try {
    // One that was left there may be open to others, and would stay so.
    rmSync(part, { force: true });
    writeFileSync(part, `${documentText(document)}\n`, { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw new CommandFailed(`${file} cannot be written (${codeOf(error)}).`);
  }
}

/** The JSON object in a file, or of standard input (`-`). Rejects with `CommandFailed`. */
export async function readDocumentFile(file: string): Promise<JsonObject> {
  const name = file === '-' ? 'Standard input' : file;
  let content: string;
  try {
    // Not by its descriptor: a pipe with nothing in it yet would be an error (EAGAIN).
    content = file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${name} cannot be read (${codeOf(error)}).`);
  }
  const value = parsed(content);
  if (isJsonObject(value)) return value;
  throw new CommandFailed(`${name} is not a JSON object, as tollgate export writes one.`);
}

function parsed(content: string): JsonValue {
  try {
    return JSON.parse(content) as JsonValue; // JSON.parse gives nothing else
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
