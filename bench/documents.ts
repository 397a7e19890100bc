import { readFile, writeFile } from 'node:fs/promises';
import { cases } from './cases/all.ts';
import { markdown, printed, provenance, type Results, type Table } from './report.ts';

/* Figures stand in documents between `<!-- bench:NAME -->` and `<!-- /bench -->`; a whole run writes them anew. */

const documents = ['README.md', 'docs/performance.md'].map((path) => new URL(`../${path}`, import.meta.url));
const opening = /<!-- bench:([\w-]+) -->/g;
const region = /(<!-- bench:([\w-]+) -->\n)(?:(?!<!-- bench:)[^])*?(<!-- \/bench -->)/g;

/** What goes between markers, by name. */
export type Texts = Readonly<Record<string, string>>;

/** The document with each text between its markers. Throws if a name is unknown, or if a marker is not closed. */
export function filled(document: string, texts: Texts): string {
  let regions = 0;
  const result = document.replace(region, (_all, start: string, name: string, end: string) => {
    const text = texts[name];
    if (text === undefined) throw new Error(`The marker bench:${name} names nothing that a run writes.`);
    regions += 1;
    return `${start}${text.trim()}\n${end}`;
  });
  const markers = [...document.matchAll(opening)].length;
  if (regions !== markers) throw new Error(`${markers - regions} bench markers are not closed.`);
  return result;
}

/** Whether every document's markers are right, so that a run does not fail at its end. Throws if not. */
export async function checkDocuments(): Promise<void> {
  const names = ['machine', 'aims', 'tables', ...Object.keys(cases)];
  const texts = Object.fromEntries(names.map((name) => [name, '']));
  for (const document of documents) filled(await readFile(document, 'utf8'), texts);
}

/** Writes the figures of a whole run: where they come from, the aims, all tables, and each case's by its name. */
export async function writeDocuments(results: Results, aims: Table): Promise<void> {
  const tables = Object.entries(results.tables);
  const texts = {
    machine: provenance(results),
    aims: markdown(aims),
    tables: tables.map(([, table]) => printed(table)).join('\n'),
    ...Object.fromEntries(tables.map(([name, table]) => [name, `${table.title}:\n\n${markdown(table)}`])),
  };
  for (const document of documents)
    await writeFile(document, filled(await readFile(document, 'utf8'), texts));
}
