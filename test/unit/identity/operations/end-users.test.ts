import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import { resumeEndUser, suspendEndUser } from '../../../../src/identity/operations/end-users.ts';
import type { IdentityDeps } from '../../../../src/identity/operations/records.ts';
import type { Team } from '../../../../src/identity/records/identity.ts';
import { identityOf } from '../../access/identities.ts';

/** The one team that there is. */
function deskWith(before: Team) {
  let team = before;
  const identities = {
    read: () => Promise.resolve(JSON.stringify(team)),
    replace: (_key: unknown, _expected: string, next: string) => {
      team = JSON.parse(next) as Team;
      return Promise.resolve('replaced');
    },
  };
  // These two are all that a change of a record asks for.
  const deps = { identities, clock: systemClock } as unknown as IdentityDeps;
  return { deps, team: () => team };
}

const of = (endUser: string) => ({ team: 'acme', endUser });

describe('suspending end users', () => {
  it('adds each once, and resuming leaves the team as it was', async () => {
    const { team: before } = identityOf();
    const desk = deskWith(before);
    await suspendEndUser(desk.deps, of('ana'));
    const first = desk.team().suspended_end_users;
    await suspendEndUser(desk.deps, of('ana'));
    expect(desk.team().suspended_end_users).toEqual(first);
    await suspendEndUser(desk.deps, of('bo'));
    await resumeEndUser(desk.deps, of('ana'));
    expect(desk.team().suspended_end_users).toMatchObject([{ end_user: 'bo' }]);
    await resumeEndUser(desk.deps, of('nobody'));
    await resumeEndUser(desk.deps, of('bo'));
    expect(desk.team()).toEqual(before);
  });

  it('is bounded, since every look-up reads the list, and goes on however large the record is', async () => {
    const desk = deskWith(identityOf().team);
    const results: unknown[] = [];
    for (let n = 0; n <= 200; n += 1) {
      results.push(await suspendEndUser(desk.deps, of(`${'é'.repeat(60)}${n}`)));
    }
    expect(results.map((result) => result instanceof Refusal)).toEqual([
      ...Array<boolean>(200).fill(false),
      true,
    ]);
    expect(results.at(-1)).toMatchObject({ code: 'insufficient_quota' });
  });
});
