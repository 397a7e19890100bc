import { describe, expect, it } from 'vitest';
import {
  type BegunSignIn,
  noSignInCookie,
  problemCookie,
  problemIn,
  SignInCookie,
} from '../../../src/console/sign-in-cookie.ts';
import type { HourlySecrets } from '../../../src/store/hourly-secrets.ts';
import { TurnedClock } from '../../support/turned-clock.ts';

const begun: BegunSignIn = {
  provider: 'p',
  state: 's',
  nonce: 'n',
  verifier: 'canary-verifier',
  redirectUri: 'https://app.example/console/callback',
};

/** Keys that are made up when they are asked for, and the hours that were asked for. */
function cookieAt(clock: TurnedClock): { cookie: SignInCookie; hours: Set<number> } {
  const hours = new Set<number>();
  const of = async (hour: number): Promise<string> => {
    hours.add(hour);
    return `key of ${hour}`;
  };
  return { cookie: new SignInCookie({ of } satisfies Pick<HourlySecrets, 'of'>, clock), hours };
}

function sent(setCookie: string): string {
  return setCookie.split(';')[0] ?? '';
}

describe('the cookie of a sign-in under way', () => {
  it('gives back what was kept, and shows it to nobody', async () => {
    const { cookie } = cookieAt(new TurnedClock());
    const set = await cookie.keep(begun);
    expect(set).toMatch(
      /^__Host-tollgate-sign-in=b\.\d+\.[\w-]+; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    expect(Buffer.from(set.split('.')[2] ?? '', 'base64url').toString()).not.toContain('canary');
    expect(await cookie.kept(`other=1; ${sent(set)}`)).toMatchObject(begun);
  });

  it('is over after ten minutes, also past the full hour', async () => {
    const clock = new TurnedClock();
    const { cookie } = cookieAt(clock);
    clock.aheadMs = 3_600_000 - (clock.now() % 3_600_000) - 60_000; // a minute before the hour
    const set = sent(await cookie.keep(begun));
    clock.aheadMs += 540_000;
    expect(await cookie.kept(set)).not.toBeNull();
    clock.aheadMs += 60_001;
    expect(await cookie.kept(set)).toBeNull();
  });

  it('has keys made for hours near to now only', async () => {
    const { cookie, hours } = cookieAt(new TurnedClock());
    const [, hour = '', sealed = ''] = sent(await cookie.keep(begun)).split('.');
    hours.clear();
    for (const away of [-1_000, -2, 2, 1_000]) {
      expect(await cookie.kept(`__Host-tollgate-sign-in=b.${Number(hour) + away}.${sealed}`)).toBeNull();
    }
    expect(hours.size).toBe(0);
  });

  it.each(['', 'b', 'b.1', 'b..x', 'b.x.y', 'p.aGk', 'b.99999999999999.x'])(
    'is none if it is %j',
    async (value) => {
      const { cookie } = cookieAt(new TurnedClock());
      expect(await cookie.kept(`__Host-tollgate-sign-in=${value}`)).toBeNull();
    },
  );
});

describe('the cookie of a sign-in that failed', () => {
  it('says why, once', () => {
    expect(problemIn(sent(problemCookie('Ümlaut <b> & "quotes"')))).toBe('Ümlaut <b> & "quotes"');
    expect(problemIn(sent(noSignInCookie))).toBeNull();
    expect(problemIn(undefined)).toBeNull();
    expect(problemCookie('long '.repeat(1_000)).length).toBeLessThan(1_200);
  });
});
