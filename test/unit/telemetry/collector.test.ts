import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../../src/observability/log.ts';
import { Collector } from '../../../src/telemetry/collector.ts';
import { startCollector, type TestCollector } from '../../support/collector.ts';

let collector: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());

const log = createLog({ level: 'silent' });

it.each([
  ['forty seconds', '40', 40_000],
  ['years', '999999999', 600_000],
  ['centuries', '9999999999', 600_000],
  ['until a day far away', 'Fri, 31 Dec 9999 23:59:59 GMT', 600_000],
])('a collector that wants to rest for %s rests for ten minutes at most', async (_what, asked, restMs) => {
  let nowMs = Date.UTC(2027, 0, 1);
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  const push = { url: `${collector.url}/v1/traces`, headers: {}, protocol: 'http/protobuf' as const };
  const settings = { ...push, timeoutMs: 60_000 };
  const of = new Collector({ signal: 'traces', push: settings, clock, log });
  const never = new AbortController().signal;
  const send = async (): Promise<string> =>
    (await of.deliver(new Uint8Array(), { patienceMs: 1_000, hurry: never, cut: never })).kind;

  collector.script((response) => Boolean(response.writeHead(503, { 'retry-after': asked }).end()));
  expect(await send()).toBe('failed');
  collector.script(null);
  nowMs += restMs - 2_000; // more than patience allows
  expect(await send()).toBe('failed');
  nowMs += 2_001;
  expect(await send()).toBe('taken');
});
