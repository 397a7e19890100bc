import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/audit/audit.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { endLeaked, type LeakedCredentialDeps } from '../../../src/leaks/leaked-credential.ts';
import { identityOf, sessionOf } from '../access/identities.ts';

describe('a leaked session', () => {
  it('ends without an entry in the trail once the holders of its team have made too many changes', async () => {
    const ended: [string, Change['operation'] | null][] = [];
    const room = [null, new Refusal('rate_limit_exceeded', 'too many')];
    const deps = {
      sessions: {
        end: async (id: string, change: Change | null = null) =>
          ended.push([id, change?.operation ?? null]) > 0,
      },
      pace: { ofHolder: async () => room.shift() ?? null },
    } as unknown as LeakedCredentialDeps; // no more is used of a session

    const session = sessionOf();
    const leaked = { kind: 'session', identity: identityOf({ session }), session } as const;
    expect([await endLeaked(deps, leaked), await endLeaked(deps, leaked)]).toEqual([null, null]);
    expect(ended).toEqual([
      ['ses_1', 'session.end'],
      ['ses_1', null],
    ]);
  });
});
