import { beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import type { EventType, StoredEvent } from '../../src/base/event.ts';
import type { Duty } from '../../src/events/duties.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { SecretStore } from '../../src/identity/store/secret-store.ts';
import type { Token } from '../../src/identity/records/identity.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { encodeTotalsRow } from '../../src/ledger/totals.ts';
import { allMonitors } from '../../src/monitors/all-monitors.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import { expectEvent } from '../support/expect-event.ts';
import { keptLog } from '../unit/limits/unsteady-store.ts';
import { engines, useEngine } from './engines.ts';
import { teamNamed, tokenNamed, userNamed } from './identity-store.ts';

/*
 * All monitors in two processes, over a midnight and a week's end. Years ahead: the server itself forgets keys by its own
 * clock, and must not do so while the turned one runs.
 */

const keys = keysUnder('t:');
const [minuteMs, dayMs] = [60_000, 86_400_000];
const mondayMs = Date.parse('2095-06-13');
const sundayMs = mondayMs - 10 * minuteMs;
const set = scriptOf('set', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");
const on = (day: number): string => new Date(mondayMs + (day + 0.5) * dayMs).toISOString();

describe.each(engines)('all monitors ($name)', (engine) => {
  const { empty, turnTo } = useEngine(engine);
  let store: Store;
  let identities: IdentityStore;
  let duties: Duty[];
  let monotonicMs: number;
  let log: ReturnType<typeof keptLog>;

  beforeEach(async () => {
    store = await empty(sundayMs);
    monotonicMs = 0;
    log = keptLog();
    duties = [];
    await beginProcess();
    await beginProcess();
    await write({ kind: 'team', team: 'acme' }, teamNamed('acme'));
    await write({ kind: 'user', team: 'acme', id: 'ana' }, userNamed('ana'));
    await store.run(set, [keys.webhooks], ['wh_1', '{}']);
  });

  async function beginProcess(): Promise<void> {
    const clock = { monotonic: () => monotonicMs };
    const audit = new AuditTrail(store, keys, { log, clock });
    identities = new IdentityStore(store, keys, audit);
    const inStore = new LedgerReader(store, keys);
    duties.push(
      allMonitors({
        store,
        keys,
        outbox: new Outbox(store, keys),
        identities,
        secrets: new SecretStore(store, keys, audit),
        audit,
        ledger: inStore,
        inStore,
        lag: () => Promise.resolve(null),
        clock,
        log,
      }),
    );
  }

  const write = async (
    key: Parameters<IdentityStore['create']>[0],
    record: object,
    binding?: Parameters<IdentityStore['create']>[2],
  ): Promise<void> => {
    expect(await identities.create(key, JSON.stringify(record), binding)).toBe('created');
  };

  async function addToken(id: string, more: Partial<Token>): Promise<void> {
    const binding = { secretHash: id, user: 'ana' };
    await write({ kind: 'token', team: 'acme', id }, tokenNamed(id, more), binding);
  }

  /** What is told by both processes when it is so late. */
  async function toldAt(nowMs: number): Promise<StoredEvent[]> {
    const before = (await events()).at(-1)?.id ?? '0-0';
    monotonicMs += 20 * minuteMs;
    await turnTo(nowMs);
    const held = { fence: '1', signal: new AbortController().signal };
    for (const duty of duties) await duty.turn(held);
    expect(log.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    const told = await new Outbox(store, keys).after(before, 2_000);
    for (const event of told) expectEvent(event);
    return told;
  }

  const events = (): Promise<StoredEvent[]> => new Outbox(store, keys).after('0-0', 2_000);
  const typesOf = (told: readonly StoredEvent[]): EventType[] => told.map(({ type }) => type).toSorted();

  async function used(day: string, usd: number, user = 'ana'): Promise<void> {
    const names = { team: 'acme', user, token: 'tok_1', model: 'm', endpoint: '/v1/x' };
    const figures = [2, 30, 40, 0, 1, 0, 0, usd * 1e9];
    await store.run(set, [keys.totals(day)], [encodeTotalsRow(names), figures.join(' ')]);
  }

  it('tell each day’s head once, and tokens together', async () => {
    for (let n = 0; n < 25; n += 1) await addToken(`tok_unused${n}`, { created_at: on(-31) });
    await addToken('tok_used', { created_at: on(-31) });
    await addToken('tok_week', { created_at: on(-20), expires_at: on(7) });
    await addToken('tok_day', { created_at: on(-20), expires_at: on(1) });
    await addToken('tok_gone', { created_at: on(-31), revoked_at: on(-2) });
    await new SecretStore(store, keys).noteUses([
      { team: 'acme', token: 'tok_used', prefix: 'tgk_12345678', atMs: mondayMs - dayMs },
    ]);
    expect(typesOf(await toldAt(sundayMs))).toEqual(['audit.head']);
    expect(await toldAt(mondayMs - 1)).toEqual([]);
    const told = await toldAt(mondayMs + minuteMs);
    expect(typesOf(told)).toEqual(['audit.head', 'token.expiring', 'token.expiring', 'token.unused']);
    expect(told.find(({ type }) => type === 'audit.head')?.data).toMatchObject({
      day: '2095-06-13',
      sequence: 31,
    });
    const unused = told.find(({ type }) => type === 'token.unused');
    expect(unused).toMatchObject({ team: 'acme', data: { more: 5 } });
    expect(unused?.data['tokens']).toHaveLength(20);
    expect(JSON.stringify(unused)).not.toContain('tok_used');
    for (let hour = 1; hour < 24; hour += 4)
      expect(await toldAt(mondayMs + hour * 60 * minuteMs)).toEqual([]);
    expect(typesOf(await toldAt(mondayMs + dayMs))).toEqual(['audit.head']);
  });

  it('tell nothing of a team that is gone', async () => {
    await addToken('tok_unused', { created_at: on(-31) });
    await used('2095-06-10', 5);
    await toldAt(sundayMs);
    await identities.deleteTeam('acme');
    expect(typesOf(await toldAt(mondayMs + minuteMs))).toEqual(['audit.head']);
  });

  it('make up for days on which no process ran', async () => {
    await addToken('tok_unused', { created_at: on(-31) });
    await addToken('tok_day', { created_at: on(-20), expires_at: on(3) });
    await toldAt(sundayMs);
    const told = await toldAt(mondayMs + 2 * dayMs + minuteMs);
    expect(typesOf(told)).toEqual(['audit.head', 'token.expiring', 'token.unused']);
    expect(told.find(({ type }) => type === 'token.expiring')?.data).toMatchObject({ days: 1 });
  });

  it('tell the week of Monday to Sunday once, on Monday', async () => {
    await used('2095-06-01', 1);
    await used('2095-06-06', 10);
    await used('2095-06-12', 20);
    await used('2095-06-12', 5, 'bo');
    await used('2095-06-13', 1);
    await toldAt(sundayMs);
    const told = await toldAt(mondayMs + minuteMs);
    const digest = told.find(({ type }) => type === 'usage.digest');
    expect(digest).toMatchObject({
      team: 'acme',
      data: {
        from: '2095-06-06',
        to: '2095-06-12',
        requests: 6,
        input_tokens: 90,
        errors: 3,
        cost_usd: 35,
        before: { requests: 2, cost_usd: 1 },
        users: [
          { user: 'ana', requests: 4, cost_usd: 30 },
          { user: 'bo', requests: 2, cost_usd: 5 },
        ],
      },
    });
    expect(typesOf(await toldAt(mondayMs + dayMs))).not.toContain('usage.digest');
  });

  it('tell once a day that a team spends more than usually', async () => {
    for (const day of ['2095-06-09', '2095-06-10', '2095-06-11']) await used(day, 2);
    await used('2095-06-12', 2);
    expect(typesOf(await toldAt(sundayMs))).toEqual(['audit.head']);
    await used('2095-06-12', 3);
    const told = await toldAt(sundayMs + minuteMs);
    expect(told.map(({ type, data }) => ({ type, ...data }))).toEqual([
      { type: 'spend.anomaly', day: '2095-06-12', cost_usd: 3, mean_usd: 6 / 7 },
    ]);
    await used('2095-06-12', 30);
    expect(await toldAt(sundayMs + 2 * minuteMs)).toEqual([]);
    await used('2095-06-13', 30);
    expect(typesOf(await toldAt(mondayMs + minuteMs))).toContain('spend.anomaly');
  });

  it('tell of refusals at the first, and then once an hour, over midnight', async () => {
    const refusals = new RefusalStore(store, keys, { retentionDays: 92 });
    let sequence = 0;
    const refuse = (day: string, refused: number, limit: string): Promise<void> => {
      sequence += 1;
      const as = { team: 'acme', user: 'ana', token: 'tok_1', endpoint: '/v1/x', model: null, limit };
      const code = 'insufficient_quota' as const;
      const counts = [{ day, as: { ...as, code }, refused, lastMs: sundayMs }];
      return refusals.add({ process: 'p', sequence, counts });
    };
    const refusing = async (nowMs: number): Promise<object[]> =>
      (await toldAt(nowMs))
        .filter(({ type }) => type === 'limit.refusing')
        .map(({ team, data }) => ({ team, refused: data['refused'] }));
    await refuse('2095-06-12', 3, 'session requests/day');
    await refuse('2095-06-12', 3, 'end_user requests/day');
    expect(await refusing(sundayMs)).toEqual([]);
    await refuse('2095-06-12', 4, 'team requests/day');
    await refuse('2095-06-12', 2, 'gateway cost_usd/day');
    expect(await refusing(sundayMs + minuteMs)).toEqual([
      { team: null, refused: 2 },
      { team: 'acme', refused: 4 },
    ]);
    await refuse('2095-06-12', 5, 'team requests/day');
    await refuse('2095-06-13', 6, 'team requests/day');
    expect(await refusing(mondayMs + minuteMs)).toEqual([]);
    expect(await refusing(sundayMs + 62 * minuteMs)).toEqual([{ team: 'acme', refused: 11 }]);
    expect(await refusing(sundayMs + 200 * minuteMs)).toEqual([]);
  });

  it('tell a thousand teams a hundred at a time, each once', async () => {
    for (let n = 0; n < 230; n += 1) {
      const names = { team: `team-${n}`, user: 'ana', token: 't', model: 'm', endpoint: '/v1/x' };
      await store.run(set, [keys.totals('2095-06-12')], [encodeTotalsRow(names), '1']);
      await write({ kind: 'team', team: names.team }, teamNamed(names.team));
    }
    const counts: number[] = [];
    for (let n = 1; n <= 3; n += 1) {
      const told = await toldAt(mondayMs + n * minuteMs);
      counts.push(told.filter(({ type }) => type === 'usage.digest').length);
    }
    expect(counts).toEqual([200, 30, 0]);
    const teams = (await events()).filter(({ type }) => type === 'usage.digest').map(({ team }) => team);
    expect(new Set(teams).size).toBe(230);
  });
});
