import { describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import type { Principal, ScopedLimit } from '../../../src/identity/records/identity.ts';
import { LimitsInUse } from '../../../src/limits/limit-use.ts';
import { stateOf } from './samples.ts';

const dayMs = 86_400_000;

function requestsADay(max: number): Limit {
  return { metric: 'requests', window: 'day', max };
}

function scoped(scope: ScopedLimit['scope'], max: number): ScopedLimit {
  return { ...stateOf(requestsADay(max)).scoped, scope };
}

/** As much of a principal as is noted. */
function asking(team: string, ...limits: ScopedLimit[]): Principal {
  return { identity: { team: { id: team } }, limits } as unknown as Principal;
}

const read = (inUse: LimitsInUse, nowMs: number): ReturnType<LimitsInUse['read']> =>
  inUse.read(
    (asked) =>
      Promise.resolve(
        asked.map(({ limits }) => limits.map((limit) => ({ ...stateOf(limit.limit), scoped: limit }))),
      ),
    nowMs,
  );

describe('the limits in use', () => {
  it('are those of teams and of the gateway, not of users, tokens and sessions', async () => {
    const inUse = new LimitsInUse();
    inUse.note(
      asking('acme', scoped('team', 5), scoped('user', 6), scoped('token', 7), scoped('gateway', 8)),
      0,
    );
    expect((await read(inUse, 1)).map(({ team, max }) => [team, max])).toEqual([
      ['acme', 5],
      ['', 8],
    ]);
  });

  it('end with the newest word on what all teams share', async () => {
    const inUse = new LimitsInUse();
    inUse.note(asking('acme', scoped('gateway', 8)), 0);
    inUse.note(asking('other', scoped('gateway', 8)), 1);
    inUse.note(asking('acme', scoped('gateway', 3)), 2);
    expect((await read(inUse, 3)).at(-1)).toMatchObject({ team: '', max: 3 });
  });

  it('are forgotten after a day of silence', async () => {
    const inUse = new LimitsInUse();
    inUse.note(asking('acme', scoped('team', 5)), 0);
    expect(await read(inUse, dayMs)).toHaveLength(1);
    expect(await read(inUse, dayMs + 1)).toEqual([]);
  });

  it('are of a hundred teams at most', async () => {
    const inUse = new LimitsInUse();
    for (let n = 0; n < 150; n += 1) inUse.note(asking(`team-${n}`, scoped('team', 5)), n);
    const teams = (await read(inUse, 200)).map(({ team }) => team);
    expect(teams).toHaveLength(100);
    expect(teams.at(-1)).toBe('team-149');
  });
});
