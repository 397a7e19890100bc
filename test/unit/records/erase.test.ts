import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { etagOf } from '../../../src/identity/operations/precondition.ts';
import { userIdFor } from '../../../src/identity/records/end-user.ts';
import type { RecordKey, Team } from '../../../src/identity/records/identity.ts';
import { type EraseDeps, eraseUser } from '../../../src/records/erase.ts';
import { identityOf } from '../access/identities.ts';

const subject = { issuer: 'https://id.example.com', sub: '7' };
const { team, user } = identityOf({ user: { email: 'ana@example.com', subject } });
const names = ['ana', 'ana@example.com', userIdFor(subject.issuer, subject.sub)];
const key = { kind: 'user', team: 'acme', id: 'ana' } as const;

/** A team that has suspended whoever ana may be, and a guest. `stopsAfter`: how often it is drained before that fails. */
function deskWith({ stopsAfter = Infinity }: { stopsAfter?: number } = {}) {
  const suspended = [...names, 'guest'].map((end_user) => ({
    end_user,
    suspended_at: '2026-01-01T00:00:00Z',
  }));
  const records = new Map<string, string>([
    ['team', JSON.stringify({ ...team, suspended_end_users: suspended })],
    ['user', JSON.stringify(user)],
  ]);
  const forgotten: string[] = [];
  let drains = 0;
  const identities = {
    read: ({ kind }: RecordKey) => Promise.resolve(records.get(kind) ?? null),
    list: () => Promise.resolve([]),
    replace: ({ kind }: RecordKey, _expected: string, next: string | null) => {
      if (next === null) records.delete(kind);
      else records.set(kind, next);
      return Promise.resolve('replaced');
    },
  };
  const database = {
    query: (sql: string) => Promise.resolve(sql.includes('EXISTS') ? [{ found: true }] : []),
    transaction: (run: (queries: unknown) => Promise<unknown>) => run(database),
  };
  const parts = {
    identities,
    database,
    clock: systemClock,
    audit: { note: () => Promise.resolve() },
    endSessions: () => Promise.resolve(),
    storeNowMs: () => Promise.resolve(0),
    drained: () =>
      ++drains > stopsAfter ? Promise.reject(new Error('Postgres is away')) : Promise.resolve(),
    forgetEndUsers: (_team: string, endUsers: readonly string[]) => {
      forgotten.push(...endUsers);
      return Promise.resolve();
    },
    forgetInStore: () => Promise.resolve(),
  };
  // No more than that is asked for.
  const deps = parts as unknown as EraseDeps;
  return {
    deps,
    forgotten,
    goesOn: () => (stopsAfter = Infinity),
    hasUser: () => records.has('user'),
    suspended: () =>
      (JSON.parse(records.get('team') ?? '{}') as Team).suspended_end_users?.map(({ end_user }) => end_user),
  };
}

describe('erasing a user, who may be an end user as well', () => {
  it('has forgotten all of their names when it stops half-way, as the user is gone the next time', async () => {
    const desk = deskWith({ stopsAfter: 1 });
    await expect(eraseUser(desk.deps, key)).rejects.toThrow('Postgres is away');
    expect([desk.hasUser(), desk.suspended(), desk.forgotten]).toEqual([false, ['guest'], names]);
    desk.goesOn();
    expect(await eraseUser(desk.deps, key)).toBeNull();
    expect([desk.suspended(), desk.forgotten.slice(names.length)]).toEqual([['guest'], ['ana']]);
  });

  it('forgets them once more at the end: requests may have been under way', async () => {
    const desk = deskWith();
    expect(await eraseUser(desk.deps, key)).toBeNull();
    expect(desk.forgotten).toEqual([...names, ...names]);
  });

  it('leaves them as they are if the user is not in the state that was asked for', async () => {
    const desk = deskWith();
    expect(await eraseUser(desk.deps, key, ['"other"'])).toMatchObject({ code: 'precondition_failed' });
    expect([desk.hasUser(), desk.suspended(), desk.forgotten]).toEqual([true, [...names, 'guest'], []]);
    expect(await eraseUser(desk.deps, key, [etagOf(user)])).toBeNull();
  });
});
