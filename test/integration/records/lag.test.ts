import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/events/outbox.ts';
import { RefusalStore } from '../../../src/ledger/refusal-store.ts';
import { lagMonitor } from '../../../src/monitors/records-lag.ts';
import type { Notice } from '../../../src/monitors/notice.ts';
import { Records } from '../../../src/records/records.ts';
import { EmbeddedStore } from '../../../src/store/embedded-store.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { TurnedClock } from '../../support/turned-clock.ts';
import { expectEvent } from '../../support/expect-event.ts';
import { waitFor } from '../../support/wait-for.ts';
import { keptLog } from '../../unit/limits/unsteady-store.ts';

/* What waits because Postgres is away, with a clock that is turned. */

const keys = keysUnder('t:', { hasRecords: true });
const hourMs = 3_600_000;
let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
}, 120_000);
afterAll(() => postgres.stop());

describe('records that lag', () => {
  it('are told when Postgres is away for long, once an hour, and not any more when it is back', async () => {
    const clock = new TurnedClock();
    const store = new EmbeddedStore({ clock });
    const records = new Records({
      settings: { url: await postgres.database(), tls: null, retentionDays: 400, backlogBytes: 1_048_576 },
      store,
      keys,
      maxEntries: 100,
      usageRetentionDays: 92,
      process: 'p1',
      clock,
      log: keptLog(),
      onGap: () => undefined,
    });
    const outbox = new Outbox(store, keys);
    const refusals = new RefusalStore(store, keys, { retentionDays: 92, backlogBytes: () => 1_048_576 });
    let sequence = 0;
    const refuse = async (): Promise<void> => {
      sequence += 1;
      const as = { team: null, user: null, token: null, endpoint: 'other', model: null, limit: null };
      const day = new Date(clock.now()).toISOString().slice(0, 10);
      const counts = [
        { day, as: { ...as, code: 'invalid_token' as const }, refused: 1, lastMs: clock.now() },
      ];
      await refusals.add({ process: 'p', sequence, counts });
    };
    const monitor = lagMonitor({ outbox, lag: () => records.lag() });
    const look = async (): Promise<Notice[]> => {
      const found: Notice[] = [];
      for await (const notice of monitor.notices(clock.now())) {
        const { event, mark, untilMs, says } = notice;
        if (await outbox.once(event, mark, untilMs, says)) found.push(notice);
      }
      return found;
    };
    const lagOf = async (): Promise<number> => (await records.lag())?.backlog.refusals ?? -1;

    records.start();
    try {
      await refuse();
      await waitFor(async () => (await lagOf()) === 0 && (await records.lag())?.backlog.drainedAtMs, {
        what: 'the first drain',
        timeoutMs: 60_000,
      });
      await postgres.kill();
      await refuse();
      expect(await look()).toEqual([]);
      clock.aheadMs += 11 * 60_000;
      await refuse();
      expect(await look()).toHaveLength(1);
      expect(await look()).toEqual([]);
      clock.aheadMs += hourMs;
      expect(await look()).toHaveLength(1);
      const told = await outbox.after('0-0', 10);
      expect(told).toHaveLength(2);
      for (const event of told) {
        expect(expectEvent(event, 'records.lag')).toMatchObject({ entries: 0, refusals: 2, audit: 0 });
      }
      await postgres.restart();
      await waitFor(async () => (await lagOf()) === 0, { what: 'the drain to go on', timeoutMs: 60_000 });
      clock.aheadMs += 2 * hourMs;
      expect(await look()).toEqual([]);
      expect((await records.lag())?.oldestAtMs).toBeNull();
    } finally {
      await records.stop();
    }
  });
});
