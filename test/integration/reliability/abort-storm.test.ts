import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../../src/demo/connection.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import type { IssuedToken } from '../../support/gateway.ts';
import { bodies, paths } from '../../support/gateway-client.ts';
import { connectRaw, requestText } from '../../support/http.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import type { SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';
import { countingLimits, startSite, type Site } from './site.ts';

/* Streams opened and left, thousands of them. `npm run storm` is the same with twenty thousand. */

const streams = Number(process.env['STORM_STREAMS'] ?? 1_500);
/** Until then V8 still compiles and takes notes of what it runs, which stays in the heap. */
const warmUp = 1_500;
/** Far less than an open stream holds; an idle heap itself varies by a third of a megabyte. */
const leftByEachBytes = 400;
const atOnce = 200;
const longestStayMs = 40;
/** For what a busy machine has not got to yet: an idle one takes a second or two. */
const settledMs = 100_000;
/** V8 collects when it allocates, not when it is idle: to see what is held, and not what is yet to be collected, it is told to. */
const collector = encodeURIComponent(`process.on('SIGUSR2', () => gc())`);
const collectsWhenTold = `--expose-gc --import=data:text/javascript,${collector}`;

let redis: SharedRedis;
let site: Site;
let gateway: SpawnedGateway;
let token: IssuedToken;

beforeAll(async () => {
  redis = await sharedRedis();
  site = await startSite({
    redis,
    leaseMs: 5_000,
    env: { LEDGER_MAX_ENTRIES: '1000000', LOG_LEVEL: 'error' },
  });
  gateway = await site.spawn({ NODE_OPTIONS: collectsWhenTold });
  token = await site.witness.issue({ team: { limits: countingLimits } });
  site.upstream.script(async (_request, response) => {
    await sleep(Math.random() * 10);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let open = true; open;) {
      open = await write(response, messageFrame({ choices: [{ delta: { content: 'word' } }] }));
      await sleep(5);
    }
    return true;
  });
});

afterAll(async () => {
  await site.close();
});

/** Opens streams and leaves each at some moment: before its head, amid it, politely or with a reset. */
async function storm(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const connection = await connectRaw(gateway.port);
      connection.send(
        requestText({
          method: 'POST',
          path: paths.chat,
          headers: { authorization: `Bearer ${token.text}`, connection: 'keep-alive' },
          body: JSON.stringify(bodies.chat({ stream: true })),
        }),
      );
      await sleep(Math.random() * longestStayMs);
      if (Math.random() < 0.5) connection.socket.resetAndDestroy();
      else connection.destroy();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

interface Held {
  /** What V8 holds after a collection, buffers included. It does not depend on how much was taken from the system before. */
  heapBytes: number;
  residentBytes: number;
  sockets: number;
  /** Timers, sockets and the like that keep its event loop busy, by kind. */
  resources: string;
}

/** What the gateway's process holds, once nothing runs any more. */
async function held(): Promise<Held> {
  await waitFor(async () => (await site.used(token))['concurrency'] === 0, {
    what: 'every place to be free',
    timeoutMs: settledMs,
  });
  await site.upstream.waitFor(({ open }) => open === 0);
  await waitFor(async () => (await site.traces()).open === 0, { what: 'nothing to be open' });
  gateway.kill('SIGUSR2');
  const metrics = await metricLines(); // answered once that is done
  const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
  return {
    heapBytes: sumOf(metrics.filter((line) => /^nodejs_(?:heap_size_used|external_memory)_bytes/.test(line))),
    residentBytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024,
    sockets: await openFiles(),
    resources: metrics
      .filter((line) => /^nodejs_active_resources\{type="(?:Timeout|Immediate)"/.test(line))
      .join('\n'),
  };
}

async function openFiles(): Promise<number> {
  return (await readdir(`/proc/${gateway.pid}/fd`)).length;
}

async function metricLines(): Promise<string[]> {
  const answer = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${site.witness.adminKey}`, connection: 'close' },
  });
  return (await answer.text()).split('\n');
}

function sumOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe(`${streams} streams opened and left`, () => {
  it('leave nothing behind: no memory, socket, timer, place, open request, or unsettled one', async () => {
    await storm(warmUp);
    const before = await held();
    await storm(streams);
    // Connections that were reset may still wait to be accepted.
    const mostFiles = before.sockets + 5;
    await waitFor(async () => (await openFiles()) <= mostFiles, {
      what: 'sockets to be closed',
      timeoutMs: settledMs,
    });
    const after = await held();

    if (process.env['STORM_STREAMS'] !== undefined) say(before, after);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(streams * leftByEachBytes);
    expect(after.residentBytes / before.residentBytes).toBeLessThan(1.5); // what V8 knows nothing of
    expect(after.sockets).toBeLessThanOrEqual(mostFiles);
    expect(after.resources).toBe(before.resources);
    expect(gateway.stderr()).toBe('');
    expect(gateway.stdout()).not.toContain('"level":"error"');

    // Each that was admitted is in the ledger, once, and counted as often.
    const { requests, aborted, errors, lost } = await site.witness.usage(token.team);
    expect(requests).toBeGreaterThan(streams / 2);
    expect([aborted, errors, lost]).toEqual([requests, 0, 0]);
    const entries = await site.witness.allEntries(token.team);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(requests);
  }, 600_000);

  function say(before: Held, after: Held): void {
    const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    process.stdout.write(
      `${streams} streams; heap before ${mb(before.heapBytes)}, after ${mb(after.heapBytes)}; resident before ${mb(before.residentBytes)}, after ` +
        `${mb(after.residentBytes)}; file descriptors ${before.sockets}, ${after.sockets}\n`,
    );
  }
});
