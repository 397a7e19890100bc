import { aimsTable } from './aims.ts';
import { cases } from './cases/all.ts';
import { checkDocuments, writeDocuments } from './documents.ts';
import { findCounter } from './instructions/counter.ts';
import { installPeers } from './peers.ts';
import { machine, printed, provenance, type Table, writeResults } from './report.ts';

/*
 * Measures the gateway, everything on, beside a bare pass-through, nginx and Portkey, on one machine in one run:
 * `npm run bench`, or a part of it, `npm run bench -- short-chat streams`; `--quick` is for a first look. A whole run
 * writes its figures into README.md and docs/performance.md.
 */
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const asked = process.argv.slice(2);
const quick = asked.includes('--quick');
const names = asked.filter((name) => name !== '--quick');
const unknown = names.filter((name) => !(name in cases));
if (unknown.length > 0)
  throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(cases).join(', ')}.`);

await checkDocuments();
installPeers(say);
const counter = await findCounter();
if (counter === null) say('There is neither perf that counts nor an emulator: instructions are left out.');
const tables: Record<string, Table> = {};
for (const [name, measure] of Object.entries(cases)) {
  if (names.length > 0 && !names.includes(name)) continue;
  say(`${name}…`);
  const measured = (): Promise<Table> =>
    measure({ rounds: quick ? 1 : 5, seconds: quick ? 2 : 5, counter, say });
  const table = await measured().catch((error: unknown) => {
    // A whole run takes half an hour: one hitch of the machine must not waste it.
    say(`${name} failed and is measured once more: ${String(error)}`);
    return measured();
  });
  tables[name] = table;
  say(`\n${printed(table)}`);
}

const date = new Date().toISOString().slice(0, 10);
const results = { date, machine: machine(counter), tables };
const aims = aimsTable(tables);
say(`\n${printed(aims)}\n${provenance(results)}`);
// Less than a whole run has a file of its own: it must not replace the day's full results, nor the documents' figures.
await writeResults([date, ...names, ...(quick ? ['quick'] : [])].join('-'), results, aims);
if (names.length === 0 && !quick) await writeDocuments(results, aims);
