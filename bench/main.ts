import type { Case } from './cases/case.ts';
import { growth } from './cases/growth.ts';
import { largeBodies } from './cases/large-bodies.ts';
import { latency } from './cases/latency.ts';
import { openStreams } from './cases/open-streams.ts';
import { sessions } from './cases/sessions.ts';
import { shortChats } from './cases/short-chat.ts';
import { startUp } from './cases/start-up.ts';
import { storeCost } from './cases/store-cost.ts';
import { messagesStreams, streams } from './cases/streams.ts';
import { installPeers } from './peers.ts';
import { machine, printed, type Table, writeResults } from './report.ts';

/*
 * Measures the gateway, everything on, beside a bare pass-through, nginx and Portkey, on one machine in one run:
 * `npm run bench`, or a part of it, `npm run bench -- short-chat streams`; `--quick` takes two minutes.
 */
const cases: Readonly<Record<string, Case>> = {
  'short-chat': shortChats,
  streams,
  'messages-streams': messagesStreams,
  'large-bodies': largeBodies,
  'open-streams': openStreams,
  latency,
  growth,
  'store-cost': storeCost,
  'start-up': startUp,
  sessions,
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const asked = process.argv.slice(2);
const quick = asked.includes('--quick');
const names = asked.filter((name) => name !== '--quick');
const unknown = names.filter((name) => !(name in cases));
if (unknown.length > 0)
  throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(cases).join(', ')}.`);

installPeers(say);
const tables: Table[] = [];
for (const [name, measure] of Object.entries(cases)) {
  if (names.length > 0 && !names.includes(name)) continue;
  say(`${name}…`);
  const table = await measure({ rounds: quick ? 1 : 5, seconds: quick ? 2 : 5, say });
  tables.push(table);
  say(`\n${printed(table)}`);
}
const date = new Date().toISOString().slice(0, 10);
// Some cases only have a file of their own: they must not replace the day's full results.
await writeResults([date, ...names].join('-'), { date, machine: machine(), tables });
